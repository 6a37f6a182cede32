/** A section as a tile's shader wants it: planes in the tile's own metres, and where the eye is in them. */
import { Matrix4 } from "@math.gl/core";

import { type HalfSpace, type Vector, dot, metresFrom } from "./section";

/** Half-spaces about a place; heights are those of the scene. */
export interface Cut {
  at: Vector;
  spaces: readonly HalfSpace[];
}

export const KEEPS_ALL = [0, 0, 0, 1];

/**
 * The planes of cuts in a tile's metres: `xyz · p <= w` stays.
 * @param origin longitude, latitude and scene height the tile's metres count from
 * @param scale what deck.gl's metres east and north are of true ones
 */
export function tilePlanes(cuts: readonly Cut[], origin: readonly number[], scale: readonly [number, number]): number[][] {
  return cuts.flatMap(({ at, spaces }) => {
    const shift = metresFrom(at, origin);
    return spaces.map(({ normal, offset }) => [normal[0] / scale[0], normal[1] / scale[1], normal[2], offset - dot(normal, shift)]);
  });
}

/** Longitude, latitude and scene height as a tile's metres. */
export function inTile(place: readonly number[], origin: readonly number[], scale: readonly [number, number]): Vector {
  const [east, north, up] = metresFrom(origin, place);
  return [east * scale[0], north * scale[1], up];
}

export interface Ball {
  middle: Vector;
  radius: number;
}

/** A ball round a mesh in its tile's metres. */
export function ballOf(bounds: readonly number[], matrix: Matrix4): Ball {
  const middle = matrix.transformAsPoint([0, 1, 2].map((k) => (bounds[k]! + bounds[k + 3]!) / 2)) as Vector;
  const radius = Math.hypot(...[0, 1, 2].map((k) => (bounds[k + 3]! - bounds[k]!) / 2));
  return { middle, radius: radius * 1.01 + 0.01 };
}

/** The planes that run through a ball and are seen from the side they take away: those whose faces show. */
export function shownPlanes(planes: readonly number[][], ball: Ball, eye: Vector): number[] {
  return planes.flatMap((plane, i) => {
    const length = Math.hypot(plane[0]!, plane[1]!, plane[2]!);
    const distance = (dot(plane, ball.middle) - plane[3]!) / length;
    return Math.abs(distance) < ball.radius && dot(plane, eye) > plane[3]! ? [i] : [];
  });
}

/** A square on a plane as large as a ball, in the metres before `matrix`: its middle and two half sides. */
export function capSquare(plane: readonly number[], ball: Ball, inverse: Matrix4): [number[], number[], number[]] {
  const length = Math.hypot(plane[0]!, plane[1]!, plane[2]!);
  const n = [plane[0]! / length, plane[1]! / length, plane[2]! / length];
  const distance = dot(n, ball.middle) - plane[3]! / length;
  const middle = ball.middle.map((value, k) => value - n[k]! * distance);
  const helper = Math.abs(n[2]!) < 0.9 ? [0, 0, 1] : [1, 0, 0];
  const across = scaled(cross(helper, n), ball.radius);
  const along = scaled(cross(n, across), ball.radius);
  const vector = (v: number[]): number[] => [...(inverse.transformAsVector(v) as number[]), 0];
  return [[...(inverse.transformAsPoint(middle) as number[]), 0], vector(across), vector(along)];
}

function cross(a: readonly number[], b: readonly number[]): number[] {
  return [a[1]! * b[2]! - a[2]! * b[1]!, a[2]! * b[0]! - a[0]! * b[2]!, a[0]! * b[1]! - a[1]! * b[0]!];
}

function scaled(v: number[], length: number): number[] {
  const is = Math.hypot(...v) || 1;
  return v.map((value) => (value / is) * length);
}
