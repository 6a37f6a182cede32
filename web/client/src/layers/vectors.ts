/** The flat layers of the scene in the theme's colours; roads get a casing under all roads. */
import { GeoJsonLayer } from "@deck.gl/layers";
import type { Layer } from "@deck.gl/core";
import type { FeatureCollection, Position } from "geojson";

import type { Section } from "../section/section";
import type { Ground } from "../map/ground";
import type { ScenePart } from "../map/scene";
import type { Theme } from "../state/store";
import { type Color, type FlatColors, flatColors } from "./flat-colors";
import { type Trees, treeLayer, treeSize } from "./trees";
import { FLOATING, type LayerContext, PAINTED } from "./context";

type Painted = { properties?: Record<string, unknown> | null };
const NOTHING: Color = [0, 0, 0, 0]; // what lies inside a building is not painted on the ground

/** Lines as wide as their own attribute says, else as the scene says. */
function widthOf(part: ScenePart): ((feature: Painted) => number) | null {
  if (!part.info?.fields.includes("width_m")) return null;
  const other = (part.layer.props as { getLineWidth?: unknown }).getLineWidth;
  const fallback = (feature: Painted): number => Number(typeof other === "function" ? (other as (f: Painted) => unknown)(feature) : (other ?? 1));
  const isLine = part.info.geometry === "line";
  return (feature) => (isLine && Number(feature.properties?.width_m)) || fallback(feature);
}

const FAINT_ALPHA = 8; // a fill that cannot be seen must not be clicked
const AREA_KINDS = new Set(["green", "water", "road_area", "boundary", "zone", "enterprise", "grid", "parking_area"]);
const BURIED_KINDS = new Set(["pipe", "duct", "fibre", "manhole"]);
const CASING_M = 1.2; // on both sides together

/** The flat layers in the scene's order, each casing before everything that is drawn over it. */
export function vectorLayers(context: LayerContext, parts: ScenePart[], features: Record<string, FeatureCollection> | null): Layer[] {
  const { state } = context;
  const isBelow = state.cameraMode === "underground";
  // one that is switched off is not made at all: deck.gl would ask for its tiles all the same
  const isShown = (part: ScenePart): boolean => (isBelow ? BURIED_KINDS.has(part.info?.kind ?? "") : !state.hidden.has(part.id));
  const shown = parts.filter((part) => part.kind === "vector" && isShown(part));
  return shown.flatMap((part) => {
    const colors = flatColors(part.info?.style, state.theme);
    const made = flatLayer(context, part, colors, features);
    if (!made) return [];
    if (!colors.casing) return [made];
    return [casingOf(made, colors.casing, state.theme), made];
  });
}

function casingOf(layer: Layer, color: Color, theme: Theme): Layer {
  const width = (layer.props as { getLineWidth?: unknown }).getLineWidth;
  const wider = typeof width === "function" ? (...args: unknown[]): number => Number((width as (...a: unknown[]) => unknown)(...args)) + CASING_M : Number(width ?? 1) + CASING_M;
  return layer.clone({
    id: `${layer.id}/casing`,
    getLineColor: color,
    getLineWidth: wider,
    filled: false,
    pickable: false,
    autoHighlight: false,
    updateTriggers: { getLineColor: theme },
  } as never);
}

function flatLayer(context: LayerContext, part: ScenePart, colors: FlatColors, features: Record<string, FeatureCollection> | null): Layer | null {
  const { state, palette, ground } = context;
  const { selection } = state;
  const chosen = selection?.type === "feature" && `layer/${selection.layer}` === part.id ? selection.id : null;
  const isBelow = state.cameraMode === "underground";
  const isIndoors = part.info?.fields.includes("storey_id") ?? false;
  const outdoors = (color: Color): unknown => (isIndoors ? (feature: Painted): Color => (feature.properties?.storey_id ? NOTHING : color) : color);
  const width = widthOf(part);
  const common = {
    visible: true,
    getFillColor: outdoors(colors.fill),
    getLineColor: outdoors(colors.line),
    ...(width ? { getLineWidth: width } : {}),
    filled: colors.fill[3] > FAINT_ALPHA,
    autoHighlight: !AREA_KINDS.has(part.info?.kind ?? ""),
    highlightColor: palette.hover,
    lineCapRounded: true,
    lineJointRounded: true,
    parameters: isBelow ? FLOATING : PAINTED,
    ...(isBelow ? { lineWidthMinPixels: 2.5, lineBillboard: true } : {}),
    updateTriggers: { getFillColor: state.theme, getLineColor: state.theme },
  };
  if (!features) {
    const isFlat = ground.isFlat && ground.lowest === 0;
    const asTrees = part.info?.kind === "tree" && context.zoomStep > 0;
    const section = asTrees ? lowered(state.section, context.originHeight) : null;
    return part.layer.clone({ ...common, section, ground: isFlat ? null : ground, highlightedFeatureId: chosen, asTrees, theme: state.theme, isBuried: BURIED_KINDS.has(part.info?.kind ?? "") } as never);
  }
  const data = features[part.id];
  if (!data) return null;
  const { getLineWidth, getPointRadius, lineWidthUnits, lineWidthMinPixels } = part.layer.props as unknown as Record<string, never>;
  const lifted = liftFeatures(data, ground);
  if (part.info?.kind === "tree" && context.zoomStep > 0) {
    return treeLayer(part.id, treesOf(lifted), colors.fill, state.theme, lowered(state.section, context.originHeight)).clone({ visible: common.visible });
  }
  return new GeoJsonLayer({
    id: part.id,
    data: lifted as never,
    pickable: true,
    stroked: true,
    pointType: "circle",
    getLineWidth: width ?? getLineWidth ?? 1,
    getPointRadius: getPointRadius ?? 1.5,
    lineWidthUnits: lineWidthUnits ?? "meters",
    lineWidthMinPixels: lineWidthMinPixels ?? 0.75,
    pointRadiusMinPixels: 2,
    highlightedObjectIndex: chosen ? lifted.features.findIndex((feature) => String(feature.properties?.id ?? feature.id) === chosen) : null,
    ...common,
  } as never);
}

let last: { section: Section; height: number; lowered: Section } | null = null;

/** The section in heights of the scene; the same object for the same section, so that deck.gl sees no change. */
function lowered(section: Section | null, height: number): Section | null {
  if (!section) return null;
  if (last?.section !== section || last.height !== height) {
    last = { section, height, lowered: { ...section, at: [section.at[0], section.at[1], section.at[2] - height] } };
  }
  return last.lowered;
}

const groves = new WeakMap<FeatureCollection, Trees>();

function treesOf(features: FeatureCollection): Trees {
  const known = groves.get(features);
  if (known) return known;
  const places = features.features.flatMap(({ geometry, properties }) => (geometry?.type === "Point" ? [{ at: geometry.coordinates, properties }] : []));
  const trees = {
    lonlat: Float64Array.from(places.flatMap(({ at }) => [at[0] ?? 0, at[1] ?? 0])),
    z: Float32Array.from(places, ({ at }) => at[2] ?? 0),
    size: Float32Array.from(places.flatMap(({ properties }) => treeSize(properties ?? undefined))),
  };
  groves.set(features, trees);
  return trees;
}

const cache = new WeakMap<FeatureCollection, { ground: Ground; lifted: FeatureCollection }>();

function liftFeatures(data: FeatureCollection, ground: Ground): FeatureCollection {
  const known = cache.get(data);
  if (known?.ground === ground) return known.lifted;
  const raise = (coordinates: unknown): unknown =>
    Array.isArray(coordinates) && typeof coordinates[0] === "number" ? liftPosition(coordinates as Position, ground) : (coordinates as unknown[]).map(raise);
  const lifted = {
    ...data,
    features: data.features.map((feature) =>
      feature.geometry && "coordinates" in feature.geometry
        ? { ...feature, geometry: { ...feature.geometry, coordinates: raise(feature.geometry.coordinates) } as never }
        : feature,
    ),
  };
  cache.set(data, { ground, lifted });
  return lifted;
}

function liftPosition([lon = 0, lat = 0]: Position, ground: Ground): Position {
  return [lon, lat, ground.heightAt(lon, lat)];
}
