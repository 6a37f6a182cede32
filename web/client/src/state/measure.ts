/** Asking measures and packs, and laying an answer on the table. */
import type { Indicator, Result } from "../api/types";
import { recall, remember } from "../i18n";
import { attempt } from "./problems";
import { source } from "./source";
import { type Answer, get, set } from "./store";

export function chooseMeasure(id: string): void {
  set({ measureId: id, parameters: {} });
}

export function setParameter(name: string, value: unknown): void {
  const parameters = { ...get().parameters };
  if (value === undefined) delete parameters[name];
  else parameters[name] = value;
  set({ parameters });
}

let waiting: AbortController | null = null;

export async function runMeasure(): Promise<void> {
  const { measureId, parameters, running } = get();
  if (!measureId || running) return;
  const since = Date.now();
  const hold = (waiting = new AbortController());
  set({ running: { measure: measureId, since, usual: usualSeconds(measureId) } });
  const result = await attempt(() => source().measure(measureId, parameters, hold.signal), hold.signal);
  if (hold.signal.aborted) return;
  set({ running: null });
  if (!result) return;
  remember(SECONDS_KEY + measureId, String((Date.now() - since) / 1000));
  await show(result, null);
}

/** Waits no longer for the answer; the server finishes it and has it at hand for the next who asks. */
export function cancelMeasure(): void {
  waiting?.abort();
  set({ running: null });
}

const SECONDS_KEY = "parktwin.seconds.";
const NOTEWORTHY_S = 3;

/** How long the measure took here the last time, where that is worth telling. [s] */
function usualSeconds(measure: string): number | null {
  const seconds = Number(recall(SECONDS_KEY + measure));
  return seconds >= NOTEWORTHY_S ? seconds : null;
}

/** Loads what can be drawn of a result and puts it on the table; the number does not wait for the drawing. */
export async function show(result: Result, indicator: Indicator | null): Promise<void> {
  const threshold = indicator ? numberOf(indicator.threshold) : null;
  const base = { result, threshold, verdict: indicator?.verdict ?? null, indicator: indicator?.id ?? null, zoneNames: {} };
  set({ answer: { ...base, gaps: null, samples: null }, selection: null, chosenGap: null, isRightOpen: true });
  const [gaps, samples, zoneNames] = await Promise.allSettled([source().gaps(result.run), source().samples(result.run), namesOfZones(result)]);
  if (get().answer?.result.run !== result.run) return;
  set({
    answer: {
      ...base,
      gaps: gaps.status === "fulfilled" ? gaps.value : null,
      samples: samples.status === "fulfilled" ? samples.value : null,
      zoneNames: zoneNames.status === "fulfilled" ? zoneNames.value : {},
    },
  });
}

/** Names of the zones in both languages, read from the park's zone layers: a result knows them by one name. */
async function namesOfZones(result: Result): Promise<Answer["zoneNames"]> {
  const layers = get().layers.filter((layer) => layer.kind === "zone");
  const names: Answer["zoneNames"] = {};
  const ids = result.zones.map((zone) => zone.id).filter((id) => id.includes("/"));
  await Promise.all(
    layers.flatMap((layer) =>
      ids.map(async (id) => {
        const feature = await source().feature(layer.id, id.slice(id.indexOf("/") + 1)).catch(() => null);
        const { name, name_zh } = (feature?.properties ?? {}) as { name?: string; name_zh?: string };
        if (name || name_zh) names[id] = { name: name ?? name_zh ?? "", name_zh: name_zh ?? name ?? "" };
      }),
    ),
  );
  return names;
}

/** The row's evidence: the run it names, or, where there is none, the measure run now. */
export async function showIndicator(indicator: Indicator): Promise<void> {
  const { run, measure } = indicator;
  if (!run && !measure) return;
  set({ running: { measure: measure ?? indicator.id, since: Date.now(), usual: null } });
  const result = await attempt(() => (run ? source().result(run) : source().measure(measure!, {})));
  set({ running: null });
  if (result) await show(result, indicator);
}

export function clearAnswer(): void {
  set({ answer: null, chosenGap: null });
}

export async function loadScorecard(pack: string): Promise<void> {
  set({ packId: pack, scorecard: null, isScoring: true });
  const scorecard = await attempt(() => source().scorecard(pack));
  if (get().packId === pack) set({ scorecard, isScoring: false });
}

/** The number a threshold stands for: itself, the member `value`, or what its text says. */
export function numberOf(threshold: unknown): number | null {
  if (typeof threshold === "number") return threshold;
  if (typeof threshold === "string") {
    const match = /-?\d+(?:\.\d+)?/.exec(threshold);
    if (!match) return null;
    return threshold.includes("%") ? Number(match[0]) / 100 : Number(match[0]);
  }
  if (threshold && typeof threshold === "object") {
    const record = threshold as Record<string, unknown>;
    return numberOf(record.value ?? record.pass ?? record.full ?? record.limit ?? null);
  }
  return null;
}
