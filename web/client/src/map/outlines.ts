/** Outlines of areas: their rings, their middle. */
import type { MultiPolygon, Polygon, Position } from "geojson";

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
