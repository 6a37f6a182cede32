/** What is tried, as it is drawn: newly covered and no longer covered ground, the view as it would be, and the handles to drag. */
import { GeoJsonLayer, PathLayer, PolygonLayer, ScatterplotLayer } from "@deck.gl/layers";
import type { Feature, FeatureCollection, Geometry } from "geojson";

import type { Preview } from "../api/types";
import { changeColor } from "../map/palette";
import { floorOf, poseOf } from "../whatif/pose";
import { aimOf, outlineOf } from "../whatif/view";
import { type LayerContext, FLOATING, ON_TOP, PAINTED, TRUE_DEPTH } from "./context";
import { placeOf } from "./devices";

type Point = [number, number, number];
type TrialLayer = GeoJsonLayer | PathLayer<Point[]> | PolygonLayer<Point[]> | ScatterplotLayer<Point>;

const RAYS = 7;

/** The pieces whose cover changes: painted on the ground like an answer's gaps, or floating on the storey that is looked at. */
export function trialAreas(context: LayerContext, onGround: boolean): TrialLayer[] {
  const { state, originHeight } = context;
  const preview = state.trial?.preview;
  if (!preview || (state.storeyId === null) !== onGround) return [];
  const colorOf = (feature: unknown): readonly number[] =>
    changeColor((feature as { properties?: { change?: string } }).properties?.change === "closed" ? "added" : "removed", state.theme);
  return [
    new GeoJsonLayer({
      id: "trial/areas",
      data: placed(preview) as never,
      modelMatrix: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, -originHeight + (onGround ? 0 : 0.12), 1],
      filled: true,
      stroked: true,
      getFillColor: (feature) => [...colorOf(feature), 120] as never,
      getLineColor: (feature) => [...colorOf(feature), 255] as never,
      getLineWidth: 2,
      lineWidthUnits: "pixels",
      pointType: "circle",
      getPointRadius: 7,
      pointRadiusUnits: "pixels",
      getPolygonOffset: TRUE_DEPTH,
      parameters: onGround ? PAINTED : FLOATING,
      updateTriggers: { getFillColor: state.theme, getLineColor: state.theme },
    }),
  ];
}

const known = new WeakMap<Preview, FeatureCollection>();

/** The pieces that have a place: the sum of small ones has none. The same collection for the same answer, so that deck.gl sees no change. */
function placed(preview: Preview): FeatureCollection {
  const features = preview.gaps.features.filter((feature): feature is Feature<Geometry> & typeof feature => feature.geometry !== null);
  if (!known.has(preview)) known.set(preview, { type: "FeatureCollection", features });
  return known.get(preview)!;
}

/** The view as it would be on open ground, and the rings that can be dragged. */
export function trialMarks(context: LayerContext): TrialLayer[] {
  const { state, palette, originHeight, ground } = context;
  const { trial } = state;
  const device = trial && state.devices.find((one) => one.id === trial.deviceId);
  if (!device) return [];
  const pose = trial.poses[device.id] ?? poseOf(device);
  const lens = placeOf(device, trial, originHeight);
  const floor = floorOf(device);
  const level = (lon: number, lat: number): number => (floor === null ? ground.heightAt(lon, lat) : floor - originHeight) + 0.15;
  const ring = outlineOf(device, pose).map(([lon, lat]): Point => [lon, lat, level(lon, lat)]);
  const foot: Point = [lens[0], lens[1], level(lens[0], lens[1])];
  const aim = aimOf(device, pose);
  const tip: Point | null = aim && [aim[0], aim[1], level(aim[0], aim[1])];
  const step = Math.max(1, Math.floor(ring.length / RAYS));
  const line = (id: string, data: Point[][], alpha: number, width: number): PathLayer<Point[]> =>
    new PathLayer<Point[]>({
      id,
      data,
      getPath: (path) => path,
      getColor: [...palette.brand, alpha],
      getWidth: width,
      widthUnits: "pixels",
      getPolygonOffset: TRUE_DEPTH,
      parameters: FLOATING,
      updateTriggers: { getColor: state.theme },
    });
  return [
    new PolygonLayer<Point[]>({
      id: "trial/view",
      data: ring.length ? [ring] : [],
      getPolygon: (polygon) => polygon,
      getFillColor: [...palette.brand, 30],
      getLineColor: [...palette.brand, 230],
      getLineWidth: 1.5,
      lineWidthUnits: "pixels",
      getPolygonOffset: TRUE_DEPTH,
      parameters: FLOATING,
      updateTriggers: { getFillColor: state.theme, getLineColor: state.theme },
    }),
    line("trial/rays", ring.filter((_, i) => i % step === 0).map((corner) => [lens, corner]), 120, 1),
    line("trial/stand", [[foot, lens], ...(tip ? [[foot, tip]] : [])], 220, 2),
    new ScatterplotLayer<Point>({
      id: "trial/handles",
      data: tip ? [foot, tip] : [foot],
      getPosition: (point) => point,
      getRadius: 9,
      radiusUnits: "pixels",
      billboard: true,
      stroked: true,
      filled: true,
      getFillColor: state.theme === "dark" ? [13, 20, 28, 255] : [255, 255, 255, 255],
      getLineColor: [...palette.brand, 255],
      getLineWidth: 3,
      lineWidthUnits: "pixels",
      parameters: ON_TOP,
      updateTriggers: { getFillColor: state.theme, getLineColor: state.theme },
    }),
  ];
}
