/** Which elements of a mesh are closed bodies: only those have an inside that a section could fill. */

const TOLERANCE = 0.01; // of what a body of that surface could have

/**
 * For a closed surface the sum of area vectors is zero and that of place times area vector is its volume times the unit matrix (Gauss).
 * Both hold where neighbouring faces share no vertices, and neither for a shell with a face missing or a tube without ends.
 *
 * @returns (features): 1 closed, -1 closed and inside out, 0 open
 */
export function closedBodies(positions: Float32Array, indices: Uint32Array, featureIds: Float32Array, features: number): Int8Array {
  const sums = new Float64Array(features * WIDTH);
  const first = new Int32Array(features).fill(-1);
  for (let t = 0; t < indices.length; t += 3) {
    const feature = featureIds[indices[t]!]!;
    if (first[feature]! < 0) first[feature] = indices[t]!;
    addTriangle(sums, feature * WIDTH, positions, first[feature]! * 3, indices, t);
  }
  return Int8Array.from({ length: features }, (_, feature) => verdict(sums, feature * WIDTH));
}

const WIDTH = 13; // the matrix, the area vector, the whole area

function addTriangle(sums: Float64Array, at: number, p: Float32Array, origin: number, indices: Uint32Array, t: number): void {
  const [a, b, c] = [indices[t]! * 3, indices[t + 1]! * 3, indices[t + 2]! * 3];
  const [ox, oy, oz] = [p[origin]!, p[origin + 1]!, p[origin + 2]!];
  const [ax, ay, az] = [p[a]! - ox, p[a + 1]! - oy, p[a + 2]! - oz];
  const [bx, by, bz] = [p[b]! - ox, p[b + 1]! - oy, p[b + 2]! - oz];
  const [cx, cy, cz] = [p[c]! - ox, p[c + 1]! - oy, p[c + 2]! - oz];
  const nx = ((by - ay) * (cz - az) - (bz - az) * (cy - ay)) / 2;
  const ny = ((bz - az) * (cx - ax) - (bx - ax) * (cz - az)) / 2;
  const nz = ((bx - ax) * (cy - ay) - (by - ay) * (cx - ax)) / 2;
  const [x, y, z] = [(ax + bx + cx) / 3, (ay + by + cy) / 3, (az + bz + cz) / 3];
  sums[at]! += x * nx;
  sums[at + 1]! += x * ny;
  sums[at + 2]! += x * nz;
  sums[at + 3]! += y * nx;
  sums[at + 4]! += y * ny;
  sums[at + 5]! += y * nz;
  sums[at + 6]! += z * nx;
  sums[at + 7]! += z * ny;
  sums[at + 8]! += z * nz;
  sums[at + 9]! += nx;
  sums[at + 10]! += ny;
  sums[at + 11]! += nz;
  sums[at + 12]! += Math.sqrt(nx * nx + ny * ny + nz * nz);
}

function verdict(s: Float64Array, at: number): number {
  const area = s[at + 12]!;
  const volume = (s[at]! + s[at + 4]! + s[at + 8]!) / 3;
  if (Math.abs(volume) <= THIN_M * area) return 0;
  if (Math.hypot(s[at + 9]!, s[at + 10]!, s[at + 11]!) > TOLERANCE * area) return 0;
  for (let i = 0; i < 9; i++) {
    const wanted = i % 4 === 0 ? volume : 0;
    if (Math.abs(s[at + i]! - wanted) > Math.max(TOLERANCE * Math.abs(volume), ROUNDING_M * area)) return 0;
  }
  return volume > 0 ? 1 : -1;
}

const THIN_M = 1e-5; // less is a sheet with two sides
const ROUNDING_M = 2e-4; // corners are rounded to less than a millimetre

/** The triangles of the closed bodies, all facing outward; the same array where that is all of them. */
export function closedTriangles(indices: Uint32Array, featureIds: Float32Array, closed: Int8Array): Uint32Array {
  if (closed.every((value) => value === 1)) return indices;
  const out = new Uint32Array(indices.length);
  let count = 0;
  for (let t = 0; t < indices.length; t += 3) {
    const side = closed[featureIds[indices[t]!]!]!;
    if (side === 0) continue;
    out[count] = indices[t]!;
    out[count + 1] = indices[t + (side > 0 ? 1 : 2)]!;
    out[count + 2] = indices[t + (side > 0 ? 2 : 1)]!;
    count += 3;
  }
  return out.slice(0, count);
}
