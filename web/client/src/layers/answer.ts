/** What a measure found: its gaps outlined at their height with their numbers, and its samples as cells. */
import { COORDINATE_SYSTEM } from "@deck.gl/core";
import { ColumnLayer, GeoJsonLayer, TextLayer } from "@deck.gl/layers";

import type { Gap, GapFeatures, Result, Samples, Storey } from "../api/types";
import { viridis } from "../map/palette";
import { rampRange, shownSamples } from "./samples";
import { type LayerContext, FLOATING, FONT, ON_TOP, PAINTED, TRUE_DEPTH } from "./context";

const NUMBERED = 12;
const SQUARE_DEG = 45;

type AnswerLayer = GeoJsonLayer | ColumnLayer | TextLayer<Gap>;

/** Whether a result speaks of the ground: then it is painted on it, like a road; a floor's is drawn at its height. */
export function isOnGround(result: Result): boolean {
  return !/indoor|floor|room|storey/.test(String(result.surface.id ?? ""));
}

/** The areas of an answer: `onGround` is drawn before bodies, the rest after them. */
export function answerLayers(context: LayerContext, onGround: boolean): AnswerLayer[] {
  const { state } = context;
  const { answer } = state;
  if (!answer || isOnGround(answer.result) !== onGround) return [];
  return [
    ...(state.isSamplesShown && answer.samples ? [sampleLayer(context, answer.samples, Number(answer.result.surface.height_m) || 0, onGround)] : []),
    ...(state.isGapsShown && answer.gaps && !state.trial ? [gapLayer(context, answer.gaps, onGround)] : []),
  ];
}

/** The numbers of the largest gaps, as the list counts them. */
export function gapNumbers(context: LayerContext): TextLayer<Gap>[] {
  const { state, palette, originHeight } = context;
  const placed = (state.isGapsShown && !state.trial ? (state.answer?.result.gaps ?? []) : []).filter((gap) => gap.lonlat_h).slice(0, NUMBERED);
  if (placed.length === 0) return [];
  return [
    new TextLayer<Gap>({
      id: "answer/gap-numbers",
      data: placed,
      getText: (_, { index }) => String(index + 1),
      getPosition: (gap) => [gap.lonlat_h![0], gap.lonlat_h![1], gap.lonlat_h![2] - originHeight + 1],
      getSize: 12,
      fontFamily: FONT,
      fontWeight: 700,
      getColor: state.theme === "dark" ? [35, 16, 14, 255] : [255, 255, 255, 255],
      background: true,
      backgroundBorderRadius: 9,
      backgroundPadding: [6, 2, 6, 2],
      getBackgroundColor: [...palette.gapLine.slice(0, 3), 240] as never,
      characterSet: "auto",
      parameters: ON_TOP,
      updateTriggers: { getColor: state.theme, getBackgroundColor: state.theme, getPosition: originHeight },
    }),
  ];
}

function gapLayer(context: LayerContext, features: GapFeatures, onGround: boolean): GeoJsonLayer {
  const { state, palette, originHeight, ground } = context;
  const chosen = state.chosenGap;
  const isChosen = (feature: unknown): boolean => (feature as { properties?: { id?: string } }).properties?.id === chosen;
  const lowering = heightOf(features) === null ? ground.lowest : -originHeight;
  return new GeoJsonLayer({
    id: "answer/gaps",
    data: features as never,
    modelMatrix: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, lowering + (onGround ? 0 : 0.1), 1],
    filled: true,
    stroked: true,
    getFillColor: (feature) => (isChosen(feature) ? [...palette.gapFill.slice(0, 3), 120] : palette.gapFill) as never,
    getLineColor: palette.gapLine,
    getLineWidth: (feature) => (isChosen(feature) ? 3 : 1.5),
    lineWidthUnits: "pixels",
    lineJointRounded: true,
    pointType: "circle",
    getPointRadius: 6,
    pointRadiusUnits: "pixels",
    pickable: true,
    getPolygonOffset: TRUE_DEPTH,
    parameters: onGround ? PAINTED : FLOATING,
    updateTriggers: { getFillColor: [chosen, state.theme], getLineColor: state.theme, getLineWidth: chosen },
  });
}

function heightOf(features: GapFeatures): number | null {
  let coordinates: unknown = features.features[0]?.geometry;
  coordinates = (coordinates as { coordinates?: unknown } | undefined)?.coordinates;
  while (Array.isArray(coordinates) && Array.isArray(coordinates[0])) coordinates = coordinates[0];
  return Array.isArray(coordinates) && coordinates.length > 2 ? Number(coordinates[2]) : null;
}

function sampleLayer(context: LayerContext, samples: Samples, aboveGround: number, onGround: boolean): ColumnLayer {
  const { state, palette, originHeight } = context;
  const size = Array.isArray(samples.size_m) ? (samples.size_m[0] ?? 1) : samples.size_m;
  const [low, high] = rampRange(samples);
  const byState = { 1: palette.covered, 0: palette.uncovered, [-1]: palette.undecided } as Record<number, readonly number[]>;
  const storey = onGround ? null : (state.storeys.find((one) => one.id === state.storeyId) ?? null);
  const hasGaps = state.isGapsShown && (state.answer?.gaps?.features.length ?? 0) > 0;
  const shown = indices(samples, state.sampleMode, hasGaps, storey);
  return new ColumnLayer({
    id: "answer/samples",
    data: shown as never,
    opacity: state.trial ? 0.4 : 1, // what is tried stands before what is
    getPosition: (index: number) =>
      [samples.lon[index]!, samples.lat[index]!, samples.h[index]! - aboveGround - originHeight + (onGround ? 0 : 0.08)] as never,
    getFillColor: (index: number) => {
      if (state.sampleMode === "state") return (byState[samples.state[index]!] ?? palette.undecided) as never;
      const value = samples.value[index];
      if (value === null || value === undefined) return [0, 0, 0, 0] as never;
      return [...viridis((value - low) / (high - low || 1)), 205] as never;
    },
    diskResolution: 4,
    angle: SQUARE_DEG,
    radius: ((size || 1.2) * Math.SQRT2) / 2,
    extruded: false,
    stroked: false,
    filled: true,
    coordinateSystem: COORDINATE_SYSTEM.LNGLAT,
    getPolygonOffset: TRUE_DEPTH,
    parameters: onGround ? PAINTED : FLOATING,
    updateTriggers: { getFillColor: [state.theme, state.sampleMode] },
  });
}

let lastShown: { samples: Samples; key: string; shown: Uint32Array } | null = null;

/** The same list for the same choice, so that deck.gl sees no change. */
function indices(samples: Samples, mode: "state" | "value", hasGaps: boolean, storey: Storey | null): Uint32Array {
  const key = `${mode}/${hasGaps}/${storey?.id}`;
  if (lastShown?.samples !== samples || lastShown.key !== key) lastShown = { samples, key, shown: shownSamples(samples, mode, hasGaps, storey) };
  return lastShown.shown;
}
