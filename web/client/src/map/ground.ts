/**
 * The height of the ground, as far as the page knows it: heights at scattered places, spread over a grid by inverse distance.
 *
 * The places are the feet of buildings and of outdoor devices, which the server puts on its terrain. Flat layers are lifted onto
 * it, so that roads meet doors; it draws no contour and measures nothing.
 */
import type { Building, Device, Park, TerrainGrid } from "../api/types";
import { degreesPerMetre } from "./earth";

export interface Ground {
  /** Height in the scene, metres above the park's origin. */
  heightAt(longitude: number, latitude: number): number;
  lowest: number;
  isFlat: boolean;
  grid: Grid | null;
}
export interface Grid {
  west: number;
  south: number;
  east: number;
  north: number;
  columns: number;
  rows: number;
  heights: Float32Array; // south to north, west to east
}

type Place = { x: number; y: number; h: number };

const NODES = 97;
const NEIGHBOURS = 8;
const MOST_PLACES = 1500;
const BASEMENT_M = 2.2;
const FLAT_M = 0.25; // less than this is drawn as a plane

/** @param origin height of the park's origin: scene heights count from it [m] */
export function groundOf(park: Park, buildings: Building[], devices: Device[], terrain: TerrainGrid | null = null): Ground {
  const origin = park.origin[2];
  if (terrain && terrain.columns > 1 && terrain.rows > 1) return ofTerrain(terrain, origin);
  const [west, south, east, north] = park.extent ?? [0, 0, 0, 0];
  const metres = degreesPerMetre(park.origin[1]);
  const placed = (lon: number, lat: number, h: number): Place => ({ x: (lon - west) / metres.longitude, y: (lat - south) / metres.latitude, h: h - origin });
  const outdoors = devices.filter((one) => !one.storey_id && !one.building_id && one.height_m !== null);
  const given = [...buildings.map((one) => placed(one.lon, one.lat, one.base_h_m)), ...outdoors.map((one) => placed(one.lon, one.lat, one.h_m - one.height_m!))];
  const places = withoutBasements(thinned(given.filter((place) => Number.isFinite(place.h))));
  const heights = places.map((place) => place.h).sort((a, b) => a - b);
  const middle = heights[Math.floor(heights.length / 2)] ?? 0;
  const spread = heights.length ? heights[heights.length - 1]! - heights[0]! : 0;
  if (spread < FLAT_M || !park.extent) return { heightAt: () => middle, lowest: middle, isFlat: true, grid: null };
  const spreadHeights = spreadOver(places, (east - west) / metres.longitude, (north - south) / metres.latitude);
  const grid: Grid = { west, south, east, north, columns: NODES, rows: NODES, heights: spreadHeights };
  return { heightAt: (lon, lat) => interpolate(grid, lon, lat), lowest: heights[0]!, isFlat: false, grid };
}

/** The server's own grid; a node it does not know gets the mean. */
function ofTerrain(terrain: TerrainGrid, origin: number): Ground {
  const known = terrain.heights.filter((h): h is number => h !== null && Number.isFinite(h));
  const mean = known.reduce((sum, h) => sum + h, 0) / (known.length || 1);
  const heights = Float32Array.from(terrain.heights, (h) => (h !== null && Number.isFinite(h) ? h : mean) - origin);
  const grid: Grid = { ...terrain, heights };
  const lowest = heights.reduce((least, h) => Math.min(least, h), Infinity);
  return { heightAt: (lon, lat) => interpolate(grid, lon, lat), lowest, isFlat: false, grid };
}

/** A garage lies under the ground: a foot far below those around it says nothing of the surface. */
function withoutBasements(places: Place[]): Place[] {
  return places.filter((place) => {
    const near: { d: number; h: number }[] = [];
    for (const other of places) if (other !== place) keepNearest(near, (other.x - place.x) ** 2 + (other.y - place.y) ** 2, other.h);
    const heights = near.map((other) => other.h).sort((one, two) => one - two);
    const middle = heights[Math.floor(heights.length / 2)];
    return middle === undefined || place.h > middle - BASEMENT_M;
  });
}

/** At most so many places, evenly taken: more would only cost time. */
function thinned<T>(places: T[]): T[] {
  const stride = Math.ceil(places.length / MOST_PLACES);
  return stride > 1 ? places.filter((_, i) => i % stride === 0) : places;
}

function spreadOver(places: Place[], width: number, height: number): Float32Array {
  const out = new Float32Array(NODES * NODES);
  const nearest: { d: number; h: number }[] = [];
  for (let row = 0; row < NODES; row++) {
    for (let column = 0; column < NODES; column++) {
      const x = (column / (NODES - 1)) * width;
      const y = (row / (NODES - 1)) * height;
      nearest.length = 0;
      for (const place of places) keepNearest(nearest, (place.x - x) ** 2 + (place.y - y) ** 2, place.h);
      let weights = 0;
      let sum = 0;
      for (const { d, h } of nearest) {
        const weight = 1 / (d + 25);
        weights += weight;
        sum += weight * h;
      }
      out[row * NODES + column] = sum / weights;
    }
  }
  return out;
}

function keepNearest(nearest: { d: number; h: number }[], d: number, h: number): void {
  if (nearest.length === NEIGHBOURS && d >= nearest[NEIGHBOURS - 1]!.d) return;
  let i = Math.min(nearest.length, NEIGHBOURS - 1);
  while (i > 0 && nearest[i - 1]!.d > d) {
    nearest[i] = nearest[i - 1]!;
    i--;
  }
  nearest[i] = { d, h };
}

/** Bilinear between nodes; beyond the grid its edge goes on. */
export function interpolate(grid: Grid, longitude: number, latitude: number): number {
  const { columns, rows } = grid;
  const clamp = (value: number, last: number): number => Math.max(0, Math.min(last, value));
  const u = clamp(((longitude - grid.west) / (grid.east - grid.west)) * (columns - 1), columns - 1);
  const v = clamp(((latitude - grid.south) / (grid.north - grid.south)) * (rows - 1), rows - 1);
  const j = Math.min(columns - 2, Math.floor(u));
  const i = Math.min(rows - 2, Math.floor(v));
  const [s, t] = [u - j, v - i];
  const at = (row: number, column: number): number => grid.heights[row * columns + column]!;
  return (1 - t) * ((1 - s) * at(i, j) + s * at(i, j + 1)) + t * ((1 - s) * at(i + 1, j) + s * at(i + 1, j + 1));
}
