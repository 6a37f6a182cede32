/** Outlines of areas: their rings, their middle. */
import type { Geometry, MultiPolygon, Polygon, Position } from "geojson";

import { distance } from "./earth";

/** The polygons of a geometry, each with its holes after it. */
export function outlines(geometry: Polygon | MultiPolygon | null): Position[][][] {
  if (!geometry) return [];
  return geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
}

/** Centroid of a ring; its mean where it has no area. */
export function centre(ring: Position[]): [number, number] {
  let [area, x, y] = [0, 0, 0];
  const [x0 = 0, y0 = 0] = ring[0] ?? [];
  for (let i = 0; i + 1 < ring.length; i++) {
    const [ax, ay] = [ring[i]![0]! - x0, ring[i]![1]! - y0];
    const [bx, by] = [ring[i + 1]![0]! - x0, ring[i + 1]![1]! - y0];
    const cross = ax * by - bx * ay;
    area += cross;
    x += (ax + bx) * cross;
    y += (ay + by) * cross;
  }
  if (Math.abs(area) < 1e-18) return [x0, y0];
  return [x0 + x / (3 * area), y0 + y / (3 * area)];
}

/** Middle and half diagonal [m] of a geometry's box. */
export function extentOf(geometry: Geometry): { middle: [number, number]; radius: number } | null {
  const box = [Infinity, Infinity, -Infinity, -Infinity] as [number, number, number, number];
  const visit = (coordinates: unknown): void => {
    if (!Array.isArray(coordinates)) return;
    if (typeof coordinates[0] === "number") {
      const [x, y] = coordinates as [number, number];
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x);
      box[3] = Math.max(box[3], y);
    } else coordinates.forEach(visit);
  };
  if (geometry.type === "GeometryCollection") geometry.geometries.forEach((one) => "coordinates" in one && visit(one.coordinates));
  else visit(geometry.coordinates);
  if (box[0] > box[2]) return null;
  return { middle: [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], radius: distance([box[0], box[1]], [box[2], box[3]]) / 2 };
}

/** Whether a place lies in an outline; a hole is not in it. */
export function contains(geometry: Polygon | MultiPolygon | null, [x, y]: readonly number[]): boolean {
  return outlines(geometry).some((rings) => rings.reduce((inside, ring) => inside !== crossings(ring, x!, y!), false));
}

function crossings(ring: Position[], x: number, y: number): boolean {
  let isOdd = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [ax = 0, ay = 0] = ring[i]!;
    const [bx = 0, by = 0] = ring[j]!;
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) isOdd = !isOdd;
  }
  return isOdd;
}
