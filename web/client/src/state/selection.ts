/** Choosing things, and the storeys of a building. */
import type { Storey } from "../api/types";
import { attempt } from "./problems";
import { source } from "./source";
import { tryDevice } from "./trial";
import { type Selection, get, set } from "./store";

export function select(selection: Selection | null): void {
  const { buildings, devices } = get();
  set({ selection, isRightOpen: selection ? true : get().isRightOpen, fieldOfView: null, chosenGap: null });
  if (!selection) return set({ comparison: null });
  if (selection.type === "building") {
    const detail = buildings.find((building) => building.id === selection.id) ?? null;
    set({ selection: { ...selection, detail } });
    void openBuilding(selection.id);
  } else if (selection.type === "element") {
    const building = selection.building ?? buildings.find((one) => selection.model !== null && one.models.includes(selection.model))?.id ?? null;
    if (building) void openBuilding(building);
    void loadElement(selection.id);
  } else if (selection.type === "device") {
    const detail = devices.find((device) => device.id === selection.id) ?? null;
    set({ selection: { ...selection, detail } });
    if (detail) tryDevice(detail);
    void loadDevice(selection.id);
  } else if (selection.type === "feature") {
    void loadFeature(selection.layer, selection.id);
  }
}

function isStill(type: Selection["type"], id: string): boolean {
  const now = get().selection;
  return now !== null && now.type === type && now.id === id;
}

async function loadElement(id: string): Promise<void> {
  const detail = await attempt(() => source().element(id));
  const now = get().selection;
  if (detail && now?.type === "element" && isStill("element", id)) set({ selection: { ...now, detail } });
}

async function loadDevice(id: string): Promise<void> {
  const detail = await attempt(() => source().device(id));
  if (detail && isStill("device", id)) set({ selection: { type: "device", id, detail }, fieldOfView: detail.field_of_view ?? null });
}

async function loadFeature(layer: string, id: string): Promise<void> {
  const detail = await attempt(() => source().feature(layer, id));
  if (detail && isStill("feature", id)) set({ selection: { type: "feature", id, layer, detail } });
}

/** Puts a building's storeys on the switch; all of them are shown until one is chosen. */
export async function openBuilding(id: string): Promise<void> {
  if (get().buildingId === id) return;
  const building = get().buildings.find((one) => one.id === id);
  set({ buildingId: id, storeys: [], storeyId: null });
  if (!building?.models.length && !building?.city_models?.length) return;
  const storeys = await attempt(() => source().storeys(id));
  if (storeys && get().buildingId === id) set({ storeys });
}

export function closeBuilding(): void {
  set({ buildingId: null, storeys: [], storeyId: null });
}

export function chooseStorey(id: string | null): void {
  set({ storeyId: id });
}

/** Lowest first. */
export function sortStoreys(storeys: Storey[]): Storey[] {
  return [...storeys].sort((a, b) => a.base_h_m - b.base_h_m || a.name.localeCompare(b.name));
}

/**
 * Short names for the switch: B2, B1, 1F, 2F … as they are counted in China, the ground storey being 1F.
 * A storey whose own name says a number keeps that number; the others are counted from the one nearest to the entrance.
 */
export function storeyLabels(storeys: Storey[]): Map<string, string> {
  const sorted = sortStoreys(storeys);
  const named = sorted.map((storey) => labelInName(storey.name));
  const known = new Set(named);
  if (named.every((label): label is string => label !== null) && known.size === named.length) {
    return new Map(sorted.map((storey, i) => [storey.id, named[i]!]));
  }
  const ground = groundIndex(sorted);
  return new Map(sorted.map((storey, i) => [storey.id, i >= ground ? `${i - ground + 1}F` : `B${ground - i}`]));
}

function labelInName(name: string): string | null {
  const text = name.trim().toUpperCase();
  const below = /^(?:B|地下|负)\s*0?(\d{1,2})(?:层|F)?$/.exec(text);
  if (below) return `B${Number(below[1])}`;
  const above = /^(?:0?(\d{1,2})\s*(?:F|层|楼)|F\s*0?(\d{1,2})|第?\s*0?(\d{1,2})\s*层)$/.exec(text);
  if (above) return `${Number(above[1] ?? above[2] ?? above[3])}F`;
  if (/^(ROOF|RF|屋面|屋顶|屋面层|屋顶层)$/.test(text)) return "RF";
  return null;
}

/** The storey people enter by: the one whose elevation is nearest to zero from below, half a metre allowed for a plinth. */
function groundIndex(sorted: Storey[]): number {
  let ground = 0;
  for (let i = 0; i < sorted.length; i++) if (sorted[i]!.elevation_m <= 0.5) ground = i;
  return ground;
}

export function hideElement(id: string): void {
  set({ hiddenElements: new Set([...get().hiddenElements, id]), selection: null });
}

export function isolateElement(id: string | null): void {
  set({ isolatedElement: id });
}

export function showAllElements(): void {
  set({ hiddenElements: new Set(), isolatedElement: null, storeyId: null });
}

export function toggleLayer(id: string): void {
  const hidden = new Set(get().hidden);
  if (!hidden.delete(id)) hidden.add(id);
  set({ hidden });
}
