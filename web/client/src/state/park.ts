/** Loading the park, and keeping what comes after. */
import { sentence } from "./problems";
import { source } from "./source";
import { get, set } from "./store";

/** Loads what the first picture needs, then the rest behind it. */
export async function loadPark(): Promise<void> {
  set({ loading: { done: 0, total: 5, what: "park" }, failure: null });
  const from = source();
  const step = async <T>(what: string, task: Promise<T>): Promise<T> => {
    const answer = await task;
    const { loading } = get();
    if (loading) set({ loading: { ...loading, done: loading.done + 1, what } });
    return answer;
  };
  try {
    const [[park, terrain], scene, layers, buildings, devices] = await Promise.all([
      step("park", from.park()).then(async (known) => [known, await from.terrain(known).catch(() => null)] as const),
      step("scene", from.scene()),
      step("layers", from.layers()),
      step("buildings", from.buildings()),
      step("devices", from.devices()),
    ]);
    const quiet = layers.filter((layer) => QUIET_KINDS.has(layer.kind)).map((layer) => `layer/${layer.id}`);
    const off = scene.layers.filter((layer) => layer.visible === false).map((layer) => layer.id);
    const hidden = get().park ? get().hidden : new Set([...off, ...quiet]);
    set({ park, terrain, scene, layers, buildings, devices, hidden, loading: null, updatedAt: Date.now() });
  } catch (error) {
    set({ loading: null, failure: sentence(error) });
    return;
  }
  void loadLists();
}

/** Measures, packs and events: asked for after the map is up; their panels say so if they fail. */
async function loadLists(): Promise<void> {
  const from = source();
  const [measures, packs, events, surfaces] = await Promise.allSettled([from.measures(), from.packs(), from.events(200), from.surfaces()]);
  if (measures.status === "fulfilled") set({ measures: measures.value, measureId: get().measureId ?? measures.value[0]?.id ?? null });
  if (surfaces.status === "fulfilled") set({ surfaces: surfaces.value });
  if (packs.status === "fulfilled") set({ packs: packs.value, packId: get().packId ?? packs.value[0]?.id ?? null });
  if (events.status === "fulfilled") set({ events: newestFirst([...get().events, ...events.value]) });
}

function newestFirst<T extends { id: string; at: string }>(events: T[]): T[] {
  const byId = new Map(events.map((event) => [event.id, event]));
  return [...byId.values()].sort((a, b) => b.at.localeCompare(a.at)).slice(0, KEPT_EVENTS);
}

/** Drawn when asked for: areas and marks that say nothing at first sight and colour the whole park. */
const QUIET_KINDS = new Set(["zone", "enterprise", "key_position", "grid"]);
const KEPT_EVENTS = 500;
const PULSE_MS = 20_000;

/** Listens to what happens; answers how to stop. */
export function followLive(): () => void {
  let revision: number | string | null = null;
  return source().live(
    (message) => {
      if (message.type === "hello") {
        if (revision !== null && revision !== message.revision) void loadPark();
        revision = message.revision;
        return;
      }
      const { events, unseen, pulses, leftTab, isLeftOpen } = get();
      const isNew = !events.some((event) => event.id === message.event.id);
      const isWatched = leftTab === "events" && isLeftOpen;
      const now = Date.now();
      const fresh = Object.fromEntries(Object.entries(pulses).filter(([, since]) => now - since < PULSE_MS));
      set({
        events: newestFirst([message.event, ...events.filter((event) => event.id !== message.event.id)]),
        unseen: isNew && !isWatched ? unseen + 1 : unseen,
        pulses: isNew ? { ...fresh, [message.event.id]: now } : fresh,
        updatedAt: now,
      });
    },
    (isLive) => set({ isLive }),
  );
}

export function showEvents(): void {
  set({ leftTab: "events", isLeftOpen: true, unseen: 0 });
}
