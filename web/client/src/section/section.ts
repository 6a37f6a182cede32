/**
 * What a section keeps of the park: one side of a plane, or the inside of a box.
 *
 * A section is said in longitude, latitude and height above the park's datum, with lengths in true metres, so that it means the same in
 * every tile. Half-spaces are `n · p <= d` for the point p in metres east, north and up of the section's own place.
 */
import { degreesPerMetre } from "../map/earth";

export type Vector = [number, number, number];

/** Takes away what lies where `azimuth` (clockwise from north) and `tilt` (0 level, 90 straight up) point. [deg] */
export interface SectionPlane {
  kind: "plane";
  at: Vector;
  azimuth: number;
  tilt: number;
}

/** Keeps what is inside; `half` is half its size along its own axes, `turn` turns it clockwise from north. [m, deg] */
export interface SectionBox {
  kind: "box";
  at: Vector;
  half: Vector;
  turn: number;
}
export type Section = SectionPlane | SectionBox;

export interface HalfSpace {
  normal: Vector;
  offset: number;
}

const DEGREE = Math.PI / 180;

/** The unit vector a plane's removed side lies towards. */
export function planeNormal({ azimuth, tilt }: SectionPlane): Vector {
  const [a, t] = [azimuth * DEGREE, tilt * DEGREE];
  return [Math.sin(a) * Math.cos(t), Math.cos(a) * Math.cos(t), Math.sin(t)];
}

/** The axes of a box: across, along, up. */
export function boxAxes({ turn }: SectionBox): [Vector, Vector, Vector] {
  const [s, c] = [Math.sin(turn * DEGREE), Math.cos(turn * DEGREE)];
  return [[c, -s, 0], [s, c, 0], [0, 0, 1]]; // prettier-ignore
}

export function halfSpaces(section: Section): HalfSpace[] {
  if (section.kind === "plane") return [{ normal: planeNormal(section), offset: 0 }];
  return boxAxes(section).flatMap((axis, i) => [
    { normal: axis, offset: section.half[i]! },
    { normal: axis.map((value) => -value) as Vector, offset: section.half[i]! },
  ]);
}

/** Metres east, north and up from one place to another, near it. */
export function metresFrom(from: readonly number[], to: readonly number[]): Vector {
  const degrees = degreesPerMetre(from[1]!);
  return [(to[0]! - from[0]!) / degrees.longitude, (to[1]! - from[1]!) / degrees.latitude, to[2]! - from[2]!];
}

/** Whether a place is kept. */
export function isKept(section: Section | null, place: readonly [number, number, number]): boolean {
  if (!section) return true;
  const p = metresFrom(section.at, place);
  return halfSpaces(section).every(({ normal, offset }) => dot(normal, p) <= offset);
}

/** Where a ball of places lies: all kept, all taken away, or cut. */
export function sideOf(spaces: readonly HalfSpace[], at: Vector, radius: number): "kept" | "away" | "cut" {
  let side: "kept" | "cut" = "kept";
  for (const { normal, offset } of spaces) {
    const distance = dot(normal, at) - offset;
    if (distance > radius) return "away";
    if (distance > -radius) side = "cut";
  }
  return side;
}

export function dot(a: readonly number[], b: readonly number[]): number {
  return a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!;
}

/** A section as a word of an address: `plane:lon,lat,h,azimuth,tilt` or `box:lon,lat,h,across,along,up,turn`. */
export function toText(section: Section): string {
  const [lon, lat, h] = section.at;
  const place = [lon.toFixed(7), lat.toFixed(7), round(h)];
  if (section.kind === "plane") return `plane:${[...place, round(section.azimuth), round(section.tilt)].join()}`;
  return `box:${[...place, ...section.half.map((half) => round(half * 2)), round(section.turn)].join()}`;
}

/** The section that a word says; null where it says none. */
export function fromText(text: string | null): Section | null {
  const [kind, list] = (text ?? "").split(":");
  const values = (list ?? "").split(",").map(Number);
  if (!values.every(Number.isFinite)) return null;
  const at = values.slice(0, 3) as Vector;
  if (kind === "plane" && values.length === 5) return { kind, at, azimuth: values[3]!, tilt: values[4]! };
  if (kind !== "box" || values.length !== 7) return null;
  const half = values.slice(3, 6).map((size) => Math.max(LEAST_M, size / 2)) as Vector;
  return { kind, at, half, turn: values[6]! };
}

const LEAST_M = 0.05;

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** A face that can be moved: where its middle is and which way it goes outward. */
export interface Face {
  key: string;
  at: Vector; // longitude, latitude, height above the datum
  normal: Vector;
}

export function faces(section: Section): Face[] {
  if (section.kind === "plane") return [{ key: "plane", at: section.at, normal: planeNormal(section) }];
  return halfSpaces(section).map(({ normal, offset }, i) => ({ key: FACE_KEYS[i]!, at: moved(section.at, normal, offset), normal }));
}

const FACE_KEYS = ["east", "west", "north", "south", "top", "bottom"];

export function moved([lon, lat, h]: Vector, direction: Vector, metres: number): Vector {
  const degrees = degreesPerMetre(lat);
  return [lon + direction[0] * metres * degrees.longitude, lat + direction[1] * metres * degrees.latitude, h + direction[2] * metres];
}

/** The section with one face moved outward by some metres; the face across from it stays. */
export function pushed(section: Section, key: string, metres: number): Section {
  if (section.kind === "plane") return { ...section, at: moved(section.at, planeNormal(section), metres) };
  const index = FACE_KEYS.indexOf(key);
  const axis = index >> 1;
  const grown = Math.max(LEAST_M * 2, section.half[axis]! * 2 + metres);
  const change = grown - section.half[axis]! * 2;
  const half = section.half.map((value, i) => (i === axis ? grown / 2 : value)) as Vector;
  return { ...section, half, at: moved(section.at, halfSpaces(section)[index]!.normal, change / 2) };
}

/** The corners of the box on its floor and on its ceiling, or of a frame of the plane. [longitude, latitude, height] */
export function outline(section: Section, reach: number): Vector[][] {
  if (section.kind === "plane") {
    const n = planeNormal(section);
    const across: Vector = Math.abs(n[2]) > 0.999 ? [1, 0, 0] : unit([n[1], -n[0], 0]);
    const up: Vector = [n[1] * across[2] - n[2] * across[1], n[2] * across[0] - n[0] * across[2], n[0] * across[1] - n[1] * across[0]];
    const corner = (s: number, t: number): Vector => moved(moved(section.at, across, s * reach), up, t * reach);
    return [[corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1), corner(-1, -1)]];
  }
  const [across, along, up] = boxAxes(section);
  const corner = (s: number, t: number, u: number): Vector =>
    moved(moved(moved(section.at, across, s * section.half[0]), along, t * section.half[1]), up, u * section.half[2]);
  const ring = (u: number): Vector[] => [corner(-1, -1, u), corner(1, -1, u), corner(1, 1, u), corner(-1, 1, u), corner(-1, -1, u)];
  const posts = [0, 1, 2, 3].map((i) => [ring(-1)[i]!, ring(1)[i]!]);
  return [ring(-1), ring(1), ...posts];
}

function unit(v: Vector): Vector {
  const length = Math.hypot(...v) || 1;
  return [v[0] / length, v[1] / length, v[2] / length];
}
