/** What a measure found: its gaps outlined at their height with their numbers, and its samples as cells. */
import { COORDINATE_SYSTEM } from "@deck.gl/core";
import { ColumnLayer, GeoJsonLayer, TextLayer } from "@deck.gl/layers";

import type { Gap, GapFeatures, Samples } from "../api/types";
import { viridis } from "../map/palette";
import { type LayerContext, FLOATING, FONT, ON_TOP, TRUE_DEPTH } from "./context";

const NUMBERED = 12;
const SQUARE_DEG = 45;

export function answerLayers(context: LayerContext): (GeoJsonLayer | ColumnLayer | TextLayer<Gap>)[] {
  const { state } = context;
  const { answer } = state;
  if (!answer) return [];
  return [
    ...(state.isSamplesShown && answer.samples ? [sampleLayer(context, answer.samples, Number(answer.result.surface.height_m) || 0)] : []),
    ...(state.isGapsShown && answer.gaps ? gapLayers(context, answer.gaps, answer.result.gaps) : []),
  ];
}

function gapLayers(context: LayerContext, features: GapFeatures, gaps: Gap[]): (GeoJsonLayer | TextLayer<Gap>)[] {
  const { state, palette, originHeight, ground } = context;
  const chosen = state.chosenGap;
  const isChosen = (feature: unknown): boolean => (feature as { properties?: { id?: string } }).properties?.id === chosen;
  const placed = gaps.filter((gap) => gap.lonlat_h).slice(0, NUMBERED);
  const hasHeights = heightOf(features) !== null;
  return [
    new GeoJsonLayer({
      id: "answer/gaps",
      data: features as never,
      modelMatrix: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, (hasHeights ? -originHeight : ground.lowest) + 0.1, 1],
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
      parameters: FLOATING,
      updateTriggers: { getFillColor: [chosen, state.theme], getLineWidth: chosen },
    }),
    ...(placed.length === 0 ? [] : [new TextLayer<Gap>({
      id: "answer/gap-numbers",
      data: placed,
      getText: (_, { index }) => String(index + 1),
      getPosition: (gap) => [gap.lonlat_h![0], gap.lonlat_h![1], gap.lonlat_h![2] - originHeight + 1],
      getSize: 12,
      fontFamily: FONT,
      fontWeight: 700,
      getColor: [255, 255, 255, 255],
      background: true,
      backgroundBorderRadius: 9,
      backgroundPadding: [6, 2, 6, 2],
      getBackgroundColor: [...palette.gapLine.slice(0, 3), 240] as never,
      characterSet: "auto",
      parameters: ON_TOP,
      updateTriggers: { getBackgroundColor: state.theme, getPosition: originHeight },
    })]),
  ];
}

function heightOf(features: GapFeatures): number | null {
  let coordinates: unknown = features.features[0]?.geometry;
  coordinates = (coordinates as { coordinates?: unknown } | undefined)?.coordinates;
  while (Array.isArray(coordinates) && Array.isArray(coordinates[0])) coordinates = coordinates[0];
  return Array.isArray(coordinates) && coordinates.length > 2 ? Number(coordinates[2]) : null;
}

/** The lowest and highest finite value. */
export function valueRange(values: (number | null)[]): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}

/** Values far beyond the rest would flatten the ramp: it ends at this many times the threshold. */
export function rampRange(samples: Samples): [number, number] {
  const [low, high] = valueRange(samples.value);
  const { threshold } = samples;
  if (threshold === null || threshold <= 0) return [low, high];
  return [Math.max(low, 0), Math.min(high, threshold * 4)];
}

function sampleLayer(context: LayerContext, samples: Samples, aboveGround: number): ColumnLayer {
  const { state, palette, originHeight } = context;
  const size = Array.isArray(samples.size_m) ? (samples.size_m[0] ?? 1) : samples.size_m;
  const [low, high] = rampRange(samples);
  const byState = { 1: palette.covered, 0: palette.uncovered, [-1]: palette.undecided } as Record<number, readonly number[]>;
  return new ColumnLayer({
    id: `answer/samples/${state.sampleMode}`,
    data: { length: samples.lon.length } as never,
    getPosition: (_: unknown, { index, target }: { index: number; target: number[] }) => {
      target[0] = samples.lon[index]!;
      target[1] = samples.lat[index]!;
      target[2] = samples.h[index]! - aboveGround - originHeight + 0.06;
      return target as never;
    },
    getFillColor: (_: unknown, { index }: { index: number }) => {
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
    parameters: FLOATING,
    updateTriggers: { getFillColor: [state.theme, state.sampleMode], getPosition: originHeight },
  });
}
