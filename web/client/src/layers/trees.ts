/** Trees of one tile as small bodies: a crown of twenty faces on a thin trunk. */
import { SimpleMeshLayer } from "@deck.gl/mesh-layers";
import { Geometry } from "@luma.gl/engine";

import { type Section, isKept, toText } from "../section/section";
import { TRUE_DEPTH } from "./context";

export interface Trees {
  lonlat: Float64Array; // (n, 2)
  z: Float32Array; // (n)
  size: Float32Array; // (n, 2): height, crown [m]
}

type Tree = { position: [number, number, number]; scale: [number, number, number] };

const HEIGHT_M = 7;
const CROWN_M = 4.5;

/** Reads the sizes that the tile's properties give; a tree without gets that of a young street tree. */
export function treeSize(properties: Record<string, unknown> | undefined): [number, number] {
  const number = (value: unknown): number | null => (Number.isFinite(Number(value)) && Number(value) > 0 ? Number(value) : null);
  const height = number(properties?.height_m) ?? HEIGHT_M;
  return [height, number(properties?.crown_m) ?? Math.min(CROWN_M, height * 0.65)];
}

const bodies = new WeakMap<Trees, Tree[]>();

/** The same list for the same trees, so that deck.gl sees no change. */
function listed(trees: Trees): Tree[] {
  const known = bodies.get(trees);
  if (known) return known;
  const data = Array.from(trees.z, (z, i): Tree => {
    const [height, crown] = [trees.size[i * 2]!, trees.size[i * 2 + 1]!];
    return { position: [trees.lonlat[i * 2]!, trees.lonlat[i * 2 + 1]!, z], scale: [crown, crown, height] };
  });
  bodies.set(trees, data);
  return data;
}

/** @param section what is kept of them, in heights of the scene */
export function treeLayer(id: string, trees: Trees, color: [number, number, number, number], theme: string, section: Section | null): SimpleMeshLayer<Tree> {
  return new SimpleMeshLayer<Tree>({
    id: `${id}-trees`,
    data: listed(trees),
    mesh: body() as never,
    getPosition: (tree) => tree.position,
    getScale: (tree) => (isKept(section, tree.position) ? tree.scale : [0, 0, 0]),
    getColor: color,
    material: { ambient: 0.72, diffuse: 0.38, shininess: 1, specularColor: [0, 0, 0] },
    getPolygonOffset: TRUE_DEPTH,
    pickable: false,
    updateTriggers: { getColor: theme, getScale: section && toText(section) },
  });
}

let shared: Geometry | null = null;

/** One unit high and wide: crown from a third of the height up, trunk below it. Flat faces, so each has its own normals. */
function body(): Geometry {
  if (shared) return shared;
  const triangles = [...crown(), ...trunk()];
  const positions = new Float32Array(triangles.flat(2));
  const normals = new Float32Array(positions.length);
  for (let i = 0; i < triangles.length; i++) {
    const [a, b, c] = triangles[i]!;
    const u = b!.map((value, k) => value - a![k]!);
    const v = c!.map((value, k) => value - a![k]!);
    const n = [u[1]! * v[2]! - u[2]! * v[1]!, u[2]! * v[0]! - u[0]! * v[2]!, u[0]! * v[1]! - u[1]! * v[0]!];
    const length = Math.hypot(...n) || 1;
    for (let corner = 0; corner < 3; corner++) n.forEach((value, k) => (normals[(i * 3 + corner) * 3 + k] = value / length));
  }
  const texCoords = new Float32Array((positions.length / 3) * 2);
  shared = new Geometry({
    topology: "triangle-list",
    attributes: { positions: { size: 3, value: positions }, normals: { size: 3, value: normals }, texCoords: { size: 2, value: texCoords } },
  });
  return shared;
}

type Corner = [number, number, number];

function crown(): Corner[][] {
  const g = (1 + Math.sqrt(5)) / 2;
  const raw: Corner[] = [
    [-1, g, 0], [1, g, 0], [-1, -g, 0], [1, -g, 0], [0, -1, g], [0, 1, g], [0, -1, -g], [0, 1, -g], [g, 0, -1], [g, 0, 1], [-g, 0, -1], [-g, 0, 1],
  ]; // prettier-ignore
  const size = Math.hypot(1, g);
  const corners = raw.map(([x, y, z]): Corner => [(x / size) * 0.5, (y / size) * 0.5, 0.64 + (z / size) * 0.36]);
  const faces = [
    [0, 11, 5], [0, 5, 1], [0, 1, 7], [0, 7, 10], [0, 10, 11], [1, 5, 9], [5, 11, 4], [11, 10, 2], [10, 7, 6], [7, 1, 8],
    [3, 9, 4], [3, 4, 2], [3, 2, 6], [3, 6, 8], [3, 8, 9], [4, 9, 5], [2, 4, 11], [6, 2, 10], [8, 6, 7], [9, 8, 1],
  ]; // prettier-ignore
  return faces.map((face) => face.map((index) => corners[index]!));
}

function trunk(): Corner[][] {
  const ring: [number, number][] = [0, 1, 2].map((i) => [Math.cos((i * 2 * Math.PI) / 3) * 0.035, Math.sin((i * 2 * Math.PI) / 3) * 0.035]);
  return ring.flatMap(([x, y], i): Corner[][] => {
    const [p, q] = ring[(i + 1) % 3]!;
    return [
      [[x, y, 0], [p, q, 0], [p, q, 0.4]],
      [[x, y, 0], [p, q, 0.4], [x, y, 0.4]],
    ]; // prettier-ignore
  });
}
