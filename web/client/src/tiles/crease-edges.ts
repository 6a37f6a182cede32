/** The lines an architect would draw: edges where two faces of one element meet at an angle, or where a face ends. */

const CREASE_COSINE = Math.cos((28 * Math.PI) / 180);
const GRID_M = 0.002; // corners nearer than this are one

/**
 * @param positions (v, 3)
 * @param indices (t, 3)
 * @param featureIds (v): edges between two elements are kept, they are seams
 * @returns (e, 2) indices into the same vertices
 */
export function creaseEdges(positions: Float32Array, indices: Uint32Array, featureIds: Float32Array): Uint32Array {
  const corners = weld(positions, featureIds);
  const triangles = indices.length / 3;
  const normals = faceNormals(positions, indices);
  const table = new EdgeTable(triangles * 3);
  const edges = new Uint32Array(triangles * 6);
  const faces = new Int32Array(triangles * 3); // the face an edge was first met on; -1 once it is settled as flat, -2 as crease
  let count = 0;
  for (let t = 0; t < triangles; t++) {
    for (let k = 0; k < 3; k++) {
      const a = indices[t * 3 + k]!;
      const b = indices[t * 3 + ((k + 1) % 3)]!;
      const wa = corners[a]!;
      const wb = corners[b]!;
      if (wa === wb) continue;
      const slot = table.find(Math.min(wa, wb), Math.max(wa, wb), count);
      if (slot === count) {
        edges[count * 2] = a;
        edges[count * 2 + 1] = b;
        faces[count++] = t;
      } else if (faces[slot]! >= 0) {
        faces[slot] = cosine(normals, faces[slot]!, t) > CREASE_COSINE ? -1 : -2;
      }
    }
  }
  return keep(edges, faces, count);
}

function keep(edges: Uint32Array, faces: Int32Array, count: number): Uint32Array {
  let kept = 0;
  for (let i = 0; i < count; i++) {
    if (faces[i] === -1) continue;
    edges[kept * 2] = edges[i * 2]!;
    edges[kept * 2 + 1] = edges[i * 2 + 1]!;
    kept++;
  }
  return edges.slice(0, kept * 2);
}

function faceNormals(p: Float32Array, indices: Uint32Array): Float32Array {
  const out = new Float32Array(indices.length);
  for (let t = 0; t < indices.length; t += 3) {
    const [a, b, c] = [indices[t]! * 3, indices[t + 1]! * 3, indices[t + 2]! * 3];
    const [ux, uy, uz] = [p[b]! - p[a]!, p[b + 1]! - p[a + 1]!, p[b + 2]! - p[a + 2]!];
    const [vx, vy, vz] = [p[c]! - p[a]!, p[c + 1]! - p[a + 1]!, p[c + 2]! - p[a + 2]!];
    const [x, y, z] = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
    const length = Math.hypot(x, y, z) || 1;
    out[t] = x / length;
    out[t + 1] = y / length;
    out[t + 2] = z / length;
  }
  return out;
}

function cosine(normals: Float32Array, a: number, b: number): number {
  return normals[a * 3]! * normals[b * 3]! + normals[a * 3 + 1]! * normals[b * 3 + 1]! + normals[a * 3 + 2]! * normals[b * 3 + 2]!;
}

/** One number for all vertices of one element at one place: the index of the first. */
function weld(positions: Float32Array, featureIds: Float32Array): Uint32Array {
  const count = featureIds.length;
  const out = new Uint32Array(count);
  const first = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    const x = Math.round(positions[i * 3]! / GRID_M);
    const y = Math.round(positions[i * 3 + 1]! / GRID_M);
    const z = Math.round(positions[i * 3 + 2]! / GRID_M);
    const key = hash(x, y, z, featureIds[i]!);
    const known = first.get(key);
    if (known === undefined) first.set(key, i);
    out[i] = known ?? i;
  }
  return out;
}

/** 52 bits: a collision joins two far corners once in some billion pairs, and costs one line. */
function hash(x: number, y: number, z: number, feature: number): number {
  let low = Math.imul(x, 73856093) ^ Math.imul(y, 19349663) ^ Math.imul(z, 83492791) ^ Math.imul(feature, 49979687);
  let high = Math.imul(x, 49979693) ^ Math.imul(y, 86028121) ^ Math.imul(z, 15485863) ^ Math.imul(feature, 32452843);
  low = Math.imul(low ^ (low >>> 15), 0x2c1b3c6d);
  high = Math.imul(high ^ (high >>> 13), 0x297a2d39);
  return (low >>> 0) + ((high >>> 12) & 0xfffff) * 4294967296;
}

/** Open addressing from a pair of corners to the edge's number: a Map of strings is ten times slower here. */
class EdgeTable {
  private readonly mask: number;
  private readonly lows: Uint32Array;
  private readonly highs: Uint32Array;
  private readonly slots: Int32Array;

  constructor(edges: number) {
    const size = 1 << Math.ceil(Math.log2(Math.max(4, edges * 2)));
    this.mask = size - 1;
    this.lows = new Uint32Array(size);
    this.highs = new Uint32Array(size);
    this.slots = new Int32Array(size).fill(-1);
  }

  /** The number stored for the pair, or `fresh` after storing it. */
  find(low: number, high: number, fresh: number): number {
    let i = (Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b)) & this.mask;
    while (this.slots[i]! >= 0) {
      if (this.lows[i] === low && this.highs[i] === high) return this.slots[i]!;
      i = (i + 1) & this.mask;
    }
    this.lows[i] = low;
    this.highs[i] = high;
    this.slots[i] = fresh;
    return fresh;
  }
}
