/** Metres and degrees on the WGS 84 ellipsoid, and what a map pixel is worth. */

const A = 6378137; // semi-major axis [m]
const E2 = 0.00669437999014; // first eccentricity squared
const TILE = 512; // deck.gl's world at zoom 0 [px]
const DEGREE = Math.PI / 180;

function radii(latitude: number): { east: number; north: number } {
  const w2 = 1 - E2 * Math.sin(latitude * DEGREE) ** 2;
  return { east: A / Math.sqrt(w2), north: (A * (1 - E2)) / w2 ** 1.5 };
}

/** Degrees of longitude and latitude that one metre east and north is worth. */
export function degreesPerMetre(latitude: number): { longitude: number; latitude: number } {
  const { east, north } = radii(latitude);
  return { longitude: 1 / (east * Math.cos(latitude * DEGREE) * DEGREE), latitude: 1 / (north * DEGREE) };
}

/** deck.gl's METER_OFFSETS counts metres on a sphere; these factors [east, north] make them true. */
export function trueMetres(latitude: number): [number, number] {
  const { east, north } = radii(latitude);
  return [A / east, A / north];
}

/** Position `east`, `north` metres from a longitude and latitude. */
export function offset(longitude: number, latitude: number, east: number, north: number): [number, number] {
  const degrees = degreesPerMetre(latitude);
  return [longitude + east * degrees.longitude, latitude + north * degrees.latitude];
}

/** Distance of two near points. [m] */
export function distance(a: readonly number[], b: readonly number[]): number {
  const degrees = degreesPerMetre(((a[1] ?? 0) + (b[1] ?? 0)) / 2);
  return Math.hypot(((a[0] ?? 0) - (b[0] ?? 0)) / degrees.longitude, ((a[1] ?? 0) - (b[1] ?? 0)) / degrees.latitude);
}

/** Metres that one CSS pixel is worth at the target of a map view. */
export function metresPerPixel(zoom: number, latitude: number): number {
  return ((2 * Math.PI * A) / TILE / 2 ** zoom) * Math.cos(latitude * DEGREE);
}

/** The zoom at which `metres` fill `pixels`. */
export function zoomFor(metres: number, pixels: number, latitude: number): number {
  return Math.log2(((2 * Math.PI * A) / TILE) * Math.cos(latitude * DEGREE) * (pixels / Math.max(metres, 0.1)));
}

/** 1 : n of the screen at the usual 96 px an inch, rounded to two digits. */
export function scaleDenominator(zoom: number, latitude: number): number {
  const exact = metresPerPixel(zoom, latitude) / (0.0254 / 96);
  const step = 10 ** Math.max(0, Math.floor(Math.log10(exact)) - 1);
  return Math.round(exact / step) * step;
}

/** ECEF translation that lowers everything at a place by `height` metres: 16 numbers, column-major. */
export function lowering(longitude: number, latitude: number, height: number): number[] {
  const [lon, lat] = [longitude * DEGREE, latitude * DEGREE];
  const up = [Math.cos(lat) * Math.cos(lon), Math.cos(lat) * Math.sin(lon), Math.sin(lat)];
  return [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, -height * up[0]!, -height * up[1]!, -height * up[2]!, 1];
}
