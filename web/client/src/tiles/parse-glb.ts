/**
 * A glb flattened to one indexed mesh, with its property table.
 *
 * Reads what the tile server writes and the near relatives of it: KHR_mesh_quantization, EXT_meshopt_compression, COLOR_0,
 * _FEATURE_ID_0, EXT_mesh_gpu_instancing and one EXT_structural_metadata property table. Runs in a worker or out of one.
 */
import { closedBodies } from "./closed";
import { creaseEdges } from "./crease-edges";
import { type Matrix, determinant, identity, multiply, nodeMatrix, transformDirection, transformPoint } from "./matrix";
import { readTable } from "./parse-table";
import type { Table } from "./table";

export interface FlatMesh {
  positions: Float32Array; // (v, 3), y up as in glTF
  normals: Int8Array; // (v, 4), 127 = 1
  colors: Uint8Array; // (v, 4) RGBA
  featureIds: Float32Array; // (v)
  feet: Float32Array; // (v): the lowest y of the element each vertex belongs to
  indices: Uint32Array; // (t, 3)
  edges: Uint32Array; // (e, 2): where two faces meet at an angle, or one ends
  features: number;
  hasGlass: boolean; // some of it can be seen through
  closed: Int8Array; // (features): 1 a closed body, -1 one inside out, 0 a surface without an inside
  bounds: number[]; // least and greatest x, y, z
}
export interface ParsedGlb {
  mesh: FlatMesh;
  table: Table;
  /** Where positions count from, y up, where the file places them at the scale of the earth; they would not fit 32 bits else. [m] */
  origin: [number, number, number] | null;
}
export interface BufferDecoder {
  decodeGltfBuffer(target: Uint8Array, count: number, size: number, source: Uint8Array, mode: string, filter?: string): void;
}

// glTF is read as the JSON it is
type Json = any;
type View = { bytes: Uint8Array; stride: number | undefined };
type Numbers = { values: ArrayLike<number>; offset: number; stride: number; count: number; components: number; scale: number };

const GLB_MAGIC = 0x46546c67;
const ARRAYS = {
  5120: Int8Array,
  5121: Uint8Array,
  5122: Int16Array,
  5123: Uint16Array,
  5125: Uint32Array,
  5126: Float32Array,
} as const;
const COMPONENTS: Record<string, number> = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4, MAT4: 16 };
const NORMALIZED: Record<number, number> = { 5120: 127, 5121: 255, 5122: 32767, 5123: 65535 };
const OPAQUE = 247; // of 255
const FAR_M = 100_000;
const EDGES_UP_TO_TRIANGLES = 400_000; // past this a tile's edges cost more than they show

/** @throws if the bytes are no glb of version 2 */
export function parseGlb(buffer: ArrayBuffer, decoder?: BufferDecoder): ParsedGlb {
  const { json, binary } = readChunks(buffer);
  const views = (json.bufferViews ?? []).map((view: Json) => readView(view, buffer, binary, decoder));
  const primitives = listPrimitives(json, (index) => readAccessor(json, views, index));
  const origin = moveNear(primitives);
  const table = readTable(json, views);
  const mesh = merge(primitives, (index) => readAccessor(json, views, index), json);
  mesh.features = Math.max(mesh.features, table.count);
  mesh.closed = closedBodies(mesh.positions, mesh.indices, mesh.featureIds, mesh.features);
  mesh.bounds = boundsOf(mesh.positions);
  return { mesh, table, origin };
}

function boundsOf(positions: Float32Array): number[] {
  const out = [Infinity, Infinity, Infinity, -Infinity, -Infinity, -Infinity];
  for (let i = 0; i < positions.length; i++) {
    const k = i % 3;
    if (positions[i]! < out[k]!) out[k] = positions[i]!;
    if (positions[i]! > out[k + 3]!) out[k + 3] = positions[i]!;
  }
  return positions.length ? out : [0, 0, 0, 0, 0, 0];
}

/** Takes out of placements what is of the earth's scale. */
function moveNear(placed: Placed[]): [number, number, number] | null {
  const first = placed[0]?.matrix;
  if (!first || Math.hypot(first[12]!, first[13]!, first[14]!) < FAR_M) return null;
  const origin: [number, number, number] = [first[12]!, first[13]!, first[14]!];
  for (const one of placed) one.matrix = one.matrix.map((value, i) => (i >= 12 && i < 15 ? value - origin[i - 12]! : value));
  return origin;
}

function readChunks(buffer: ArrayBuffer): { json: Json; binary: number } {
  const header = new DataView(buffer);
  if (buffer.byteLength < 20 || header.getUint32(0, true) !== GLB_MAGIC) throw new Error("not a glb of version 2");
  if (header.getUint32(4, true) !== 2) throw new Error(`not a glb of version 2 but glTF version ${header.getUint32(4, true)}`);
  const length = header.getUint32(12, true);
  const json = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 20, length)));
  return { json, binary: 20 + length + 8 };
}

function readView(view: Json, buffer: ArrayBuffer, binary: number, decoder?: BufferDecoder): View {
  const packed = view.extensions?.EXT_meshopt_compression ?? view.extensions?.KHR_meshopt_compression;
  if (!packed) return { bytes: new Uint8Array(buffer, binary + (view.byteOffset ?? 0), view.byteLength), stride: view.byteStride };
  if (!decoder) throw new Error("meshopt compression without a decoder");
  const bytes = new Uint8Array(packed.count * packed.byteStride);
  const source = new Uint8Array(buffer, binary + (packed.byteOffset ?? 0), packed.byteLength);
  decoder.decodeGltfBuffer(bytes, packed.count, packed.byteStride, source, packed.mode, packed.filter ?? "NONE");
  return { bytes, stride: packed.mode === "ATTRIBUTES" ? packed.byteStride : undefined };
}

function readAccessor(json: Json, views: View[], index: number): Numbers {
  const accessor = json.accessors[index];
  const type = accessor.componentType as keyof typeof ARRAYS;
  const components = COMPONENTS[accessor.type] ?? 1;
  const scale = accessor.normalized ? 1 / (NORMALIZED[type] ?? 1) : 1;
  const view = views[accessor.bufferView];
  if (!view) return { values: new Float32Array(accessor.count * components), offset: 0, stride: components, count: accessor.count, components, scale };
  const size = ARRAYS[type].BYTES_PER_ELEMENT;
  const stride = (view.stride ?? size * components) / size;
  const start = accessor.byteOffset ?? 0;
  const length = (accessor.count - 1) * stride + components;
  return { values: typed(type, view.bytes, start, length), offset: 0, stride, count: accessor.count, components, scale };
}

/** A typed view on the bytes; a copy where they are not aligned for one. */
function typed(type: keyof typeof ARRAYS, bytes: Uint8Array, start: number, length: number): ArrayLike<number> {
  const ArrayType = ARRAYS[type];
  const size = ArrayType.BYTES_PER_ELEMENT;
  const from = bytes.byteOffset + start;
  if (from % size === 0) return new ArrayType(bytes.buffer as ArrayBuffer, from, length);
  return new ArrayType(bytes.slice(start, start + length * size).buffer as ArrayBuffer);
}

type Placed = { primitive: Json; matrix: Matrix; feature: number | undefined; order: number };

function listPrimitives(json: Json, accessor: (index: number) => Numbers): Placed[] {
  const placed: Placed[] = [];
  const visit = (index: number, parent: Matrix): void => {
    const node = json.nodes[index];
    const matrix = multiply(parent, nodeMatrix(node));
    if (node.mesh !== undefined) {
      for (const instance of listInstances(node, accessor)) {
        const whole = multiply(matrix, instance.matrix);
        for (const primitive of json.meshes[node.mesh].primitives) {
          if ((primitive.mode ?? 4) === 4) placed.push({ primitive, matrix: whole, feature: instance.feature, order: instance.order });
        }
      }
    }
    for (const child of node.children ?? []) visit(child, matrix);
  };
  for (const root of json.scenes?.[json.scene ?? 0]?.nodes ?? []) visit(root, identity());
  return placed;
}

function listInstances(node: Json, accessor: (index: number) => Numbers): Omit<Placed, "primitive">[] {
  const attributes = node.extensions?.EXT_mesh_gpu_instancing?.attributes;
  if (!attributes) return [{ matrix: identity(), feature: undefined, order: 0 }];
  const read = (name: string): Numbers | undefined => (attributes[name] === undefined ? undefined : accessor(attributes[name]));
  const [translation, rotation, scale] = [read("TRANSLATION"), read("ROTATION"), read("SCALE")];
  const count = (translation ?? rotation ?? scale)?.count ?? 0;
  const featureOf = instanceFeatures(node, read);
  return Array.from({ length: count }, (_, i) => ({
    matrix: nodeMatrix({
      translation: translation && vector(translation, i),
      rotation: rotation && vector(rotation, i),
      scale: scale && vector(scale, i),
    }),
    feature: featureOf(i),
    order: i,
  }));
}

/** EXT_instance_features: by an attribute of the instances, or by their order; without it the vertices say, if they do. */
function instanceFeatures(node: Json, read: (name: string) => Numbers | undefined): (index: number) => number | undefined {
  const said = node.extensions.EXT_instance_features?.featureIds?.[0];
  const ids = read(`_FEATURE_ID_${said?.attribute ?? 0}`);
  if (ids) return (index) => at(ids, index, 0);
  return said ? (index) => index : () => undefined;
}

function at(numbers: Numbers, index: number, component: number): number {
  return (numbers.values[index * numbers.stride + component] ?? 0) * numbers.scale;
}

function vector(numbers: Numbers, index: number): number[] {
  return Array.from({ length: numbers.components }, (_, k) => at(numbers, index, k));
}

function merge(placed: Placed[], accessor: (index: number) => Numbers, json: Json): FlatMesh {
  let vertices = 0;
  let corners = 0;
  for (const { primitive } of placed) {
    const count = json.accessors[primitive.attributes.POSITION].count;
    vertices += count;
    corners += primitive.indices === undefined ? count : json.accessors[primitive.indices].count;
  }
  const mesh: FlatMesh = {
    positions: new Float32Array(vertices * 3),
    normals: new Int8Array(vertices * 4),
    colors: new Uint8Array(vertices * 4).fill(255),
    featureIds: new Float32Array(vertices),
    feet: new Float32Array(vertices),
    indices: new Uint32Array(corners),
    edges: new Uint32Array(),
    features: 0,
    hasGlass: false,
    closed: new Int8Array(),
    bounds: [],
  };
  let vertex = 0;
  let corner = 0;
  for (const one of placed) {
    const { primitive, matrix, feature, order } = one;
    const attributes = primitive.attributes;
    const positions = accessor(attributes.POSITION);
    writePositions(mesh, vertex, positions, matrix);
    if (attributes.NORMAL !== undefined) writeNormals(mesh, vertex, accessor(attributes.NORMAL), matrix);
    const base: number[] = json.materials?.[primitive.material]?.pbrMetallicRoughness?.baseColorFactor ?? [1, 1, 1, 1];
    const color = attributes.COLOR_0 === undefined ? undefined : accessor(attributes.COLOR_0);
    writeColors(mesh, vertex, positions.count, color, base);
    const ids = attributes._FEATURE_ID_0 ?? attributes._BATCHID;
    writeFeatures(mesh, vertex, positions.count, feature ?? (ids === undefined ? order : undefined), ids === undefined ? undefined : accessor(ids));
    const triangles = primitive.indices === undefined ? undefined : accessor(primitive.indices);
    corner = writeIndices(mesh, corner, vertex, positions.count, triangles, determinant(matrix) < 0);
    vertex += positions.count;
  }
  writeFeet(mesh);
  mesh.hasGlass = mesh.colors.some((value, i) => i % 4 === 3 && value < OPAQUE);
  if (corners / 3 <= EDGES_UP_TO_TRIANGLES) mesh.edges = creaseEdges(mesh.positions, mesh.indices, mesh.featureIds);
  return mesh;
}

function writePositions(mesh: FlatMesh, start: number, positions: Numbers, matrix: Matrix): void {
  for (let i = 0; i < positions.count; i++) {
    transformPoint(matrix, at(positions, i, 0), at(positions, i, 1), at(positions, i, 2), mesh.positions, (start + i) * 3);
  }
}

function writeNormals(mesh: FlatMesh, start: number, normals: Numbers, matrix: Matrix): void {
  const out = new Float32Array(3);
  for (let i = 0; i < normals.count; i++) {
    transformDirection(matrix, at(normals, i, 0), at(normals, i, 1), at(normals, i, 2), out);
    const length = Math.hypot(out[0]!, out[1]!, out[2]!) || 1;
    for (let k = 0; k < 3; k++) mesh.normals[(start + i) * 4 + k] = Math.round((out[k]! / length) * 127);
  }
}

function writeColors(mesh: FlatMesh, start: number, count: number, colors: Numbers | undefined, base: number[]): void {
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < 4; k++) {
      const own = colors && k < colors.components ? at(colors, i, k) : 1;
      mesh.colors[(start + i) * 4 + k] = Math.round(255 * own * (base[k] ?? 1));
    }
  }
}

function writeFeatures(mesh: FlatMesh, start: number, count: number, instance: number | undefined, ids: Numbers | undefined): void {
  for (let i = 0; i < count; i++) {
    const id = instance ?? (ids ? at(ids, i, 0) : 0);
    mesh.featureIds[start + i] = id;
    if (id >= mesh.features) mesh.features = id + 1;
  }
}

function writeIndices(mesh: FlatMesh, corner: number, vertex: number, count: number, indices: Numbers | undefined, isMirrored: boolean): number {
  const total = indices?.count ?? count;
  for (let i = 0; i < total; i++) mesh.indices[corner + i] = (indices ? indices.values[i * indices.stride]! : i) + vertex;
  if (isMirrored) for (let i = corner; i < corner + total; i += 3) [mesh.indices[i + 1], mesh.indices[i + 2]] = [mesh.indices[i + 2]!, mesh.indices[i + 1]!];
  return corner + total;
}

function writeFeet(mesh: FlatMesh): void {
  const lowest = new Float32Array(mesh.features).fill(Infinity);
  for (let i = 0; i < mesh.featureIds.length; i++) {
    const feature = mesh.featureIds[i]!;
    lowest[feature] = Math.min(lowest[feature]!, mesh.positions[i * 3 + 1]!);
  }
  for (let i = 0; i < mesh.featureIds.length; i++) mesh.feet[i] = lowest[mesh.featureIds[i]!]!;
}
