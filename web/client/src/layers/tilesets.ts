/** How tilesets are drawn now: the theme's paint, what the state says of single elements, and what is cut away. */
import type { TileLook } from "../tiles/bim-tile-layer";
import type { FeatureState, GroupRule, StateRules } from "../tiles/feature-state";
import { IdTable } from "../tiles/table";
import { SUN } from "../map/lighting";
import { changeColor, unit } from "../map/palette";
import type { Cut } from "../section/cut";
import { type HalfSpace, type Section, type Vector, halfSpaces } from "../section/section";
import { isLight } from "../state/profile";
import type { Look, State } from "../state/store";
import type { LayerContext } from "./context";

const CUT_M = 1.2; // walls of the chosen storey are cut at the height an architect cuts them
const WHOLE_CUT_M = 0.3; // below the next floor, where the whole storey is asked for
const LEVEL_M = 0.3; // storeys of one building's models that share a level stay together
const FAR_ERROR_PX = 16;
const OPEN_ERROR_PX = 8; // of the building that is looked into
const ALONE_ERROR_PX = 3; // of one element's own model
const LIGHT = 2.5; // how much coarser a light drawing may be

export interface TilesetDrawing {
  look: TileLook;
  rules: StateRules;
  styleKey: string;
  groundAt: (longitude: number, latitude: number) => number;
  cuts: Cut[];
  screenError: number;
}

/** Which storeys a cut leaves: those below the chosen one as ghosts, the chosen one whole, those above not at all. */
export function storeyCut(state: State): GroupRule | null {
  const { storeys, storeyId, buildingId, buildings } = state;
  const chosen = storeys.find((storey) => storey.id === storeyId);
  if (!chosen || !buildingId) return null;
  const side = (test: (base: number) => boolean): Set<string> => new Set(storeys.filter((one) => one.id !== chosen.id && test(one.base_h_m)).map((one) => one.id));
  return {
    above: side((base) => base > chosen.base_h_m + LEVEL_M),
    below: side((base) => base < chosen.base_h_m - LEVEL_M),
    models: new Set(buildings.find((one) => one.id === buildingId)?.models ?? []),
    building: buildingId,
  };
}

const HIDDEN = 1;
const CHOSEN = 2;
const LOOKS: Record<Look, number> = { added: 3, removed: 4, changed: 5 };
const FIRM: ReadonlySet<number> = new Set([HIDDEN]);

/** What is shown of single elements and of groups of them. */
export function stateRules(state: State, brand: readonly [number, number, number]): StateRules {
  const { selection, isolatedElement, theme, comparison } = state;
  const chosen = selection !== null && (selection.type === "element" || selection.type === "building") ? selection.id : null;
  const group = storeyCut(state);
  const isChosenAlone = isolatedElement === null || isolatedElement === chosen;
  const chosenState: FeatureState = chosen !== null && isChosenAlone ? { color: brand, strength: 0.62 } : "own";
  const look = (one: Look): FeatureState => ({ color: changeColor(one, theme), strength: 0.7 });
  const building = selection?.type === "building" && !group ? selection : null;
  return {
    key: styleKey(state),
    ids: idsOf(state.hiddenElements, isolatedElement === null ? (comparison?.looks ?? null) : null, isolatedElement ?? chosen),
    singles: ["hidden", chosenState, look("added"), look("removed"), look("changed")],
    rest: isolatedElement === null ? null : "ghost",
    firm: FIRM,
    group,
    tint: building && { building: building.id, models: new Set(building.detail?.models ?? []), state: { color: brand, strength: 0.22 } },
  };
}

type IdsOf = { hidden: ReadonlySet<string>; looks: ReadonlyMap<string, Look> | null; chosen: string | null };
let lastIds: (IdsOf & { table: IdTable }) | null = null;

/** The table is kept while the sets stay the same: a hundred thousand ids take some milliseconds. */
function idsOf(hidden: ReadonlySet<string>, looks: ReadonlyMap<string, Look> | null, chosen: string | null): IdTable {
  if (lastIds?.hidden === hidden && lastIds.looks === looks && lastIds.chosen === chosen) return lastIds.table;
  const table = new IdTable(entries(hidden, looks, chosen), hidden.size + (looks?.size ?? 0) + 1);
  lastIds = { hidden, looks, chosen, table };
  return table;
}

/** The later of two numbers for one id holds. */
function* entries(hidden: ReadonlySet<string>, looks: ReadonlyMap<string, Look> | null, chosen: string | null): Iterable<[string, number]> {
  for (const [id, look] of looks ?? []) yield [id, LOOKS[look]];
  if (chosen !== null) yield [chosen, CHOSEN];
  for (const id of hidden) yield [id, HIDDEN];
}

/** What of an older version is not there any more in its colour, the rest as ghosts. */
export function leftRules(state: State): StateRules {
  const looks = state.comparison?.looks ?? new Map<string, Look>();
  const removed = [...looks].flatMap(([id, look]): [string, number][] => (look === "removed" ? [[id, 1]] : []));
  return {
    key: `left|${state.comparison?.left ?? ""}|${state.theme}`,
    ids: new IdTable(removed, removed.length),
    singles: [{ color: changeColor("removed", state.theme), strength: 0.7 }],
    rest: "ghost",
    firm: FIRM,
    group: null,
    tint: null,
  };
}

const numbers = new WeakMap<object, number>();
let counted = 0;

/** A number for a set that is never changed but replaced. */
function numberOf(set: object): number {
  const known = numbers.get(set) ?? ++counted;
  numbers.set(set, known);
  return known;
}

/** What the rules depend on, as text: when it changes, the states are written anew. */
function styleKey(state: State): string {
  const { selection, storeyId, buildingId, hiddenElements, isolatedElement, theme } = state;
  const compared = state.comparison?.left ?? "";
  const hasDetail = selection !== null && "detail" in selection && selection.detail !== null;
  const chosen = selection && (selection.type === "element" || selection.type === "building") ? `${selection.type}:${selection.id}` : "";
  return [theme, chosen, buildingId, storeyId, isolatedElement, numberOf(hiddenElements), state.storeys.length, hasDetail, compared].join("|");
}

/** What the park's section takes away, in heights of the scene. */
export function sectionCut(section: Section | null, originHeight: number): Cut | null {
  if (!section) return null;
  const [lon, lat, h] = section.at;
  return { at: [lon, lat, h - originHeight], spaces: halfSpaces(section) };
}

const UP: HalfSpace = { normal: [0, 0, 1], offset: 0 };

export function tilesetDrawing(context: LayerContext, layerId: string): TilesetDrawing {
  const { state, palette, ground, openBuilding } = context;
  const isCity = layerId.startsWith("city/");
  const isModel = layerId.startsWith("model/");
  const isOpen = isModel && openBuilding !== null && openBuilding.models.includes(layerId.slice("model/".length));
  const isPlain = isLight(state);
  const paint = isOpen ? palette.paintModels * 0.35 : isModel || isCity ? palette.paintModels : palette.paintBuildings;
  const rules = stateRules(state, palette.brand);
  return {
    look: {
      roof: [...unit(palette.roof), 1],
      wall: [...unit(palette.wall), 1],
      edge: unit(palette.edge),
      shadow: unit(palette.shadow),
      sun: [...SUN, palette.sun],
      cutFill: unit(palette.cutFill),
      cutLine: unit(palette.cutLine),
      ambient: palette.ambient,
      paint,
      ghostAlpha: state.theme === "dark" ? 0.1 : 0.14,
      shadows: hasShadows(state) ? (isModel ? "ground" : "feet") : "none",
      edges: !isPlain,
      edgePixel: isOpen ? 0.35 : isModel ? 0.14 : 0.9,
    },
    rules,
    styleKey: rules.key,
    groundAt: ground.heightAt,
    cuts: cutsOf(context, isOpen),
    screenError: screenError(state, isOpen) * (isPlain ? LIGHT : 1),
  };
}

function hasShadows(state: State): boolean {
  return !isLight(state) && state.cameraMode !== "underground" && state.cameraMode !== "walk" && state.storeyId === null && state.section === null;
}

function screenError(state: State, isOpen: boolean): number {
  if (!isOpen) return FAR_ERROR_PX;
  return state.isolatedElement !== null || state.storeyId !== null ? ALONE_ERROR_PX : OPEN_ERROR_PX;
}

/** The park's section, and the level the chosen storey is cut at. */
function cutsOf({ state, originHeight }: LayerContext, isOpen: boolean): Cut[] {
  const section = sectionCut(state.section, originHeight);
  const storey = isOpen ? state.storeys.find((one) => one.id === state.storeyId) : undefined;
  if (!storey) return section ? [section] : [];
  const height = state.cameraMode === "walk" ? Math.max(2.2, (storey.height_m ?? 3) - WHOLE_CUT_M) : CUT_M;
  const [lon, lat] = state.park!.origin;
  const at: Vector = [lon, lat, storey.base_h_m - originHeight + height];
  return [...(section ? [section] : []), { at, spaces: [UP] }];
}
