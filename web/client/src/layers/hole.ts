/** Where the ground is taken away: over the floors of an opened building that lie in it. */
import { offset, trueMetres } from "../map/earth";
import { outlines } from "../map/outlines";
import type { LayerContext } from "./context";

/** Rings of longitude and latitude; a point inside an odd number of them is in the hole. */
export type Hole = [number, number][][];

const BELOW_M = 0.5; // a floor so far under the ground around lies in it
const NONE: Hole = [];

/** The outline of the opened building where one of its storeys below ground is looked at, or everything is from below. */
export function holeOf({ state, openBuilding, ground, originHeight }: Pick<LayerContext, "state" | "openBuilding" | "ground" | "originHeight">): Hole {
  if (!openBuilding) return NONE;
  const storey = state.storeys.find((one) => one.id === state.storeyId);
  const level = ground.heightAt(openBuilding.lon, openBuilding.lat) - BELOW_M;
  const isBelow = state.cameraMode === "underground" || (storey !== undefined && storey.base_h_m - originHeight < level);
  return isBelow ? ringsOf(openBuilding.footprint) : NONE;
}

const known = new WeakMap<object, Hole>();

function ringsOf(footprint: Parameters<typeof outlines>[0]): Hole {
  if (!footprint) return NONE;
  const before = known.get(footprint);
  if (before) return before;
  const rings = outlines(footprint).flatMap((polygon) => polygon.map((ring) => ring.map(([lon = 0, lat = 0]): [number, number] => [lon, lat])));
  known.set(footprint, rings);
  return rings;
}

/** The edges of a hole (n, 4), two ends each, in deck.gl's metres about a place. */
export function edgesAbout(hole: Hole, longitude: number, latitude: number): Float32Array {
  const [east, north] = trueMetres(latitude);
  const [stepLon, stepLat] = offset(0, latitude, 1, 1);
  const place = ([lon, lat]: [number, number]): [number, number] => [((lon - longitude) / stepLon) * east, ((lat - latitude) / (stepLat - latitude)) * north];
  const edges = hole.flatMap((ring) => ring.map((point, i) => [...place(point), ...place(ring[(i + 1) % ring.length]!)]));
  return Float32Array.from(edges.flat());
}
