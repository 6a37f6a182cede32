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

/**
 * One unit high and wide: crown from a third of the height up, trunk below it. Faces share their corners, each with one normal: a park has
 * thousands of trees, and a machine without a graphics card pays for every corner.
 */
function body(): Geometry {
  if (shared) return shared;
  const [corners, faces] = joined(crown(), trunk());
  shared = new Geometry({
    topology: "triangle-list",
    indices: { size: 1, value: new Uint16Array(faces.flat()) },
    attributes: {
      positions: { size: 3, value: new Float32Array(corners.flat()) },
      normals: { size: 3, value: new Float32Array(corners.flatMap(outwards)) },
      texCoords: { size: 2, value: new Float32Array(corners.length * 2) },
    },
  });
  return shared;
}

type Corner = [number, number, number];
const CROWN_MIDDLE = 0.64;

/** Away from the middle of the crown, or from the axis of the trunk. */
function outwards([x, y, z]: Corner): Corner {
  const up = z < 0.28 || Math.hypot(x, y) < 0.04 ? 0 : ((z - CROWN_MIDDLE) * 0.5) / 0.36;
  const length = Math.hypot(x, y, up) || 1;
  return [x / length, y / length, up / length];
}

type Solid = [corners: Corner[], faces: number[][]];

function joined([corners, faces]: Solid, [more, others]: Solid): Solid {
  return [[...corners, ...more], [...faces, ...others.map((face) => face.map((index) => index + corners.length))]];
}

function crown(): Solid {
  const g = (1 + Math.sqrt(5)) / 2;
  const raw: Corner[] = [
    [-1, g, 0], [1, g, 0], [-1, -g, 0], [1, -g, 0], [0, -1, g], [0, 1, g], [0, -1, -g], [0, 1, -g], [g, 0, -1], [g, 0, 1], [-g, 0, -1], [-g, 0, 1],
  ]; // prettier-ignore
  const size = Math.hypot(1, g);
  const corners = raw.map(([x, y, z]): Corner => [(x / size) * 0.5, (y / size) * 0.5, CROWN_MIDDLE + (z / size) * 0.36]);
  const faces = [
    [0, 11, 5], [0, 5, 1], [0, 1, 7], [0, 7, 10], [0, 10, 11], [1, 5, 9], [5, 11, 4], [11, 10, 2], [10, 7, 6], [7, 1, 8],
    [3, 9, 4], [3, 4, 2], [3, 2, 6], [3, 6, 8], [3, 8, 9], [4, 9, 5], [2, 4, 11], [6, 2, 10], [8, 6, 7], [9, 8, 1],
  ]; // prettier-ignore
  return [corners, faces];
}

function trunk(): Solid {
  const ring = [0, 1, 2].map((i) => (i * 2 * Math.PI) / 3);
  const corners = [0, 0.4].flatMap((z) => ring.map((angle): Corner => [Math.cos(angle) * 0.035, Math.sin(angle) * 0.035, z]));
  const faces = [0, 1, 2].flatMap((i) => {
    const next = (i + 1) % 3;
    return [
      [i, next, next + 3],
      [i, next + 3, i + 3],
    ];
  });
  return [corners, faces];
}
