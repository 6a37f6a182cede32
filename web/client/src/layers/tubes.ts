/** Pipes, ducts and fibre as bodies: seen from below, and through whatever opens the ground. */
import type { Layer } from "@deck.gl/core";

import type { ScenePart } from "../map/scene";
import { IdTable } from "../tiles/table";
import { type LayerContext, TRUE_DEPTH } from "./context";
import { type TilesetDrawing, tilesetDrawing } from "./tilesets";

const ERROR_PX = 4;
const CLOSE_STEP = 2; // from this step of the zoom on, tubes are thicker than the lines drawn for them

/** The layer of features that a part's tubes are of. */
export function tubesOf(id: string): string | null {
  return id.startsWith("tubes/") ? id.slice("tubes/".length) : null;
}

/** Whether a flat layer gives way to the bodies of its own lines. */
export function isReplaced(context: LayerContext, part: ScenePart, parts: ScenePart[]): boolean {
  const isClose = context.state.cameraMode === "underground" && context.zoomStep >= CLOSE_STEP;
  return isClose && part.info?.geometry === "line" && parts.some((one) => one.id === `tubes/${part.info!.id}`);
}

/** How a layer's tubes are drawn: in their media's colours, the chosen one in that of the brand; a section cuts them as all else. */
export function tubeDrawing(context: LayerContext, layer: string): TilesetDrawing & { visible: boolean } {
  const { state, palette } = context;
  const drawing = tilesetDrawing(context, `tubes/${layer}`);
  const isBelow = state.cameraMode === "underground";
  const chosen = state.selection?.type === "feature" && state.selection.layer === layer ? state.selection.id : null;
  return {
    ...drawing,
    look: { ...drawing.look, paint: 0, edges: false, shadows: "none" },
    rules: {
      key: `tubes|${state.theme}|${chosen ?? ""}`,
      ids: new IdTable(chosen === null ? [] : [[chosen, 1]], 1),
      singles: [{ color: palette.brand, strength: 0.8 }],
      rest: null,
      firm: new Set(),
      group: null,
      tint: null,
    },
    styleKey: `tubes|${state.theme}|${chosen ?? ""}`,
    screenError: ERROR_PX,
    visible: isBelow || !state.hidden.has(`layer/${layer}`),
  };
}

export function tubeLayers(context: LayerContext, parts: ScenePart[], common: object): Layer[] {
  return parts.flatMap((part) => {
    const layer = tubesOf(part.id);
    if (layer === null) return [];
    const drawing = tubeDrawing(context, layer);
    return [part.layer.clone({ ...drawing, pickable: true, autoHighlight: true, highlightColor: context.palette.hover, getPolygonOffset: TRUE_DEPTH, ...common } as never)];
  });
}
