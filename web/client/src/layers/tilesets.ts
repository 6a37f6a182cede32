/** How tilesets are drawn now: the theme's paint, and what the state says of single elements. */
import type { FeatureState, FeatureStyle } from "../tiles/feature-state";
import type { TileLook } from "../tiles/bim-tile-layer";
import type { Row } from "../tiles/loader";
import { SUN } from "../map/lighting";
import { changeColor, unit } from "../map/palette";
import type { State } from "../state/store";
import type { LayerContext } from "./context";

const CUT_M = 1.2; // walls of the chosen storey are cut at the height an architect cuts them
const WHOLE_CUT_M = 0.3; // below the next floor, where the whole storey is asked for

export interface TilesetDrawing {
  look: TileLook;
  featureStyle: FeatureStyle | null;
  styleKey: string;
  groundAt: (longitude: number, latitude: number) => number;
}

/** Which storeys a cut leaves: those below the chosen one as ghosts, the chosen one whole, those above not at all. */
export type StoreyCut = { chosen: string; above: ReadonlySet<string>; below: ReadonlySet<string>; models: ReadonlySet<string>; building: string };

export function storeyCut(state: State): StoreyCut | null {
  const { storeys, storeyId, buildingId, buildings } = state;
  const chosen = storeys.find((storey) => storey.id === storeyId);
  if (!chosen || !buildingId) return null;
  const side = (test: (base: number) => boolean): Set<string> => new Set(storeys.filter((one) => one.id !== chosen.id && test(one.base_h_m)).map((one) => one.id));
  const level = chosen.base_h_m + 0.3; // storeys of one building's models that share a level stay together
  return {
    chosen: chosen.id,
    above: side((base) => base > level),
    below: side((base) => base < chosen.base_h_m - 0.3),
    models: new Set(buildings.find((one) => one.id === buildingId)?.models ?? []),
    building: buildingId,
  };
}

/** What is shown of one element. */
export function elementState(row: Row, state: State, cut: StoreyCut | null, brand: readonly [number, number, number]): FeatureState {
  if (state.hiddenElements.has(row.id)) return "hidden";
  const { selection, isolatedElement } = state;
  const isChosen = selection !== null && (selection.type === "element" || selection.type === "building") && selection.id === row.id;
  if (isolatedElement !== null && row.id !== isolatedElement) return "ghost";
  if (cut) {
    const isOwn = (row.model !== undefined && cut.models.has(row.model)) || row.building === cut.building;
    if (!isOwn) return "ghost";
    const storey = row.storey ?? "";
    if (cut.above.has(storey) || !storey) return "hidden";
    if (cut.below.has(storey)) return "ghost";
  }
  if (isChosen) return { color: brand, strength: 0.62 };
  const look = state.comparison?.looks.get(row.id);
  if (look) return { color: changeColor(look, state.theme), strength: 0.7 };
  const isOfChosen = selection?.type === "building" && !cut && (selection.id === row.building || selection.detail?.models.includes(row.model ?? ""));
  if (isOfChosen) return { color: brand, strength: 0.22 };
  return "own";
}

/** What `elementState` depends on, as text: when it changes, the states are written anew. */
export function styleKey(state: State): string {
  const { selection, storeyId, buildingId, hiddenElements, isolatedElement, theme } = state;
  const compared = state.comparison?.left ?? "";
  const hasDetail = selection !== null && "detail" in selection && selection.detail !== null;
  const chosen = selection && "id" in selection ? `${selection.type}:${selection.id}` : "";
  return [theme, chosen, buildingId, storeyId, isolatedElement, hiddenElements.size, state.storeys.length, hasDetail, compared].join("|");
}

export function tilesetDrawing(context: LayerContext, layerId: string): TilesetDrawing {
  const { state, palette, ground, originHeight, openBuilding } = context;
  const cut = storeyCut(state);
  const isCity = layerId.startsWith("city/");
  const isModel = layerId.startsWith("model/");
  const isOpen = isModel && openBuilding !== null && openBuilding.models.includes(layerId.slice("model/".length));
  const storey = isOpen ? state.storeys.find((one) => one.id === state.storeyId) : undefined;
  const isBelow = state.cameraMode === "underground";
  const paint = isOpen ? palette.paintModels * 0.35 : isModel || isCity ? palette.paintModels : palette.paintBuildings;
  const base = storey ? storey.base_h_m - originHeight : 0;
  const cutHeight = state.cameraMode === "walk" ? Math.max(2.2, (storey?.height_m ?? 3) - WHOLE_CUT_M) : CUT_M;
  return {
    look: {
      roof: [...unit(palette.roof), 1],
      wall: [...unit(palette.wall), 1],
      edge: unit(palette.edge),
      shadow: unit(palette.shadow),
      sun: [...SUN, palette.sun],
      ambient: palette.ambient,
      paint,
      ghostAlpha: state.theme === "dark" ? 0.1 : 0.14,
      clipHeight: storey ? base + cutHeight : null,
      shadows: isBelow || state.storeyId !== null || state.cameraMode === "walk" ? "none" : isModel ? "ground" : "feet",
      edges: true,
      edgePixel: isOpen ? 0.35 : isModel ? 0.14 : 0.9,
    },
    featureStyle: (row) => elementState(row, state, cut, palette.brand),
    styleKey: styleKey(state),
    groundAt: ground.heightAt,
  };
}
