/**
 * A glb flattened to one indexed mesh, with its property table.
 *
 * Reads what the tile server writes and the near relatives of it: KHR_mesh_quantization, EXT_meshopt_compression, COLOR_0,
 * _FEATURE_ID_0, EXT_mesh_gpu_instancing and one EXT_structural_metadata property table. Runs in a worker or out of one.
 */
import { creaseEdges } from "./crease-edges";
import { type Matrix, identity, multiply, nodeMatrix, transformDirection, transformPoint } from "./matrix";

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
}
export type Columns = Record<string, (string | number | boolean)[]>;
export interface ParsedGlb {
  mesh: FlatMesh;
  columns: Columns;
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
const EDGES_UP_TO_TRIANGLES = 400_000; // past this a tile's edges cost more than they show

/** @throws if the bytes are no glb of version 2 */
export function parseGlb(buffer: ArrayBuffer, decoder?: BufferDecoder): ParsedGlb {
  const { json, binary } = readChunks(buffer);
  const views = (json.bufferViews ?? []).map((view: Json) => readView(view, buffer, binary, decoder));
  const primitives = listPrimitives(json, (index) => readAccessor(json, views, index));
  const columns = readColumns(json, views);
  const mesh = merge(primitives, (index) => readAccessor(json, views, index), json);
  const rows = Object.values(columns)[0]?.length ?? 0;
  mesh.features = Math.max(mesh.features, rows);
  return { mesh, columns };
}

function readChunks(buffer: ArrayBuffer): { json: Json; binary: number } {
  const header = new DataView(buffer);
  if (buffer.byteLength < 20 || header.getUint32(0, true) !== GLB_MAGIC || header.getUint32(4, true) !== 2) {
    throw new Error("not a glb of version 2");
  }
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

type Placed = { primitive: Json; matrix: Matrix; feature: number | undefined };

function listPrimitives(json: Json, accessor: (index: number) => Numbers): Placed[] {
  const placed: Placed[] = [];
  const visit = (index: number, parent: Matrix): void => {
    const node = json.nodes[index];
    const matrix = multiply(parent, nodeMatrix(node));
    if (node.mesh !== undefined) {
      for (const instance of listInstances(node, accessor)) {
        const whole = multiply(matrix, instance.matrix);
        for (const primitive of json.meshes[node.mesh].primitives) {
          if ((primitive.mode ?? 4) === 4) placed.push({ primitive, matrix: whole, feature: instance.feature });
        }
      }
    }
    for (const child of node.children ?? []) visit(child, matrix);
  };
  for (const root of json.scenes?.[json.scene ?? 0]?.nodes ?? []) visit(root, identity());
  return placed;
}

function listInstances(node: Json, accessor: (index: number) => Numbers): { matrix: Matrix; feature: number | undefined }[] {
  const attributes = node.extensions?.EXT_mesh_gpu_instancing?.attributes;
  if (!attributes) return [{ matrix: identity(), feature: undefined }];
  const read = (name: string): Numbers | undefined => (attributes[name] === undefined ? undefined : accessor(attributes[name]));
  const [translation, rotation, scale, feature] = [read("TRANSLATION"), read("ROTATION"), read("SCALE"), read("_FEATURE_ID_0")];
  const count = (translation ?? rotation ?? scale)?.count ?? 0;
  return Array.from({ length: count }, (_, i) => ({
    matrix: nodeMatrix({
      translation: translation && vector(translation, i),
      rotation: rotation && vector(rotation, i),
      scale: scale && vector(scale, i),
    }),
    feature: feature ? at(feature, i, 0) : i,
  }));
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
  };
  let vertex = 0;
  let corner = 0;
  for (const one of placed) {
    const { primitive, matrix, feature } = one;
    const attributes = primitive.attributes;
    const positions = accessor(attributes.POSITION);
    writePositions(mesh, vertex, positions, matrix);
    if (attributes.NORMAL !== undefined) writeNormals(mesh, vertex, accessor(attributes.NORMAL), matrix);
    const base: number[] = json.materials?.[primitive.material]?.pbrMetallicRoughness?.baseColorFactor ?? [1, 1, 1, 1];
    const color = attributes.COLOR_0 === undefined ? undefined : accessor(attributes.COLOR_0);
    writeColors(mesh, vertex, positions.count, color, base);
    const ids = attributes._FEATURE_ID_0 ?? attributes._BATCHID;
    writeFeatures(mesh, vertex, positions.count, feature, ids === undefined ? undefined : accessor(ids));
    corner = writeIndices(mesh, corner, vertex, positions.count, primitive.indices === undefined ? undefined : accessor(primitive.indices));
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

function writeIndices(mesh: FlatMesh, corner: number, vertex: number, count: number, indices: Numbers | undefined): number {
  const total = indices?.count ?? count;
  for (let i = 0; i < total; i++) mesh.indices[corner + i] = (indices ? indices.values[i * indices.stride]! : i) + vertex;
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

function readColumns(json: Json, views: View[]): Columns {
  const metadata = json.extensions?.EXT_structural_metadata;
  const table = metadata?.propertyTables?.[0];
  if (!table) return {};
  const properties = metadata.schema.classes[table.class].properties;
  const columns: Columns = {};
  for (const [name, property] of Object.entries<Json>(table.properties)) {
    const values = views[property.values];
    if (!values || !properties[name]) continue;
    columns[name] =
      properties[name].type === "STRING"
        ? readStrings(values.bytes, views[property.stringOffsets]?.bytes, property.stringOffsetType, table.count)
        : readScalars(values.bytes, properties[name].componentType, table.count);
  }
  return columns;
}

const OFFSET_TYPES: Record<string, keyof typeof ARRAYS> = { UINT8: 5121, UINT16: 5123, UINT32: 5125 };

function readStrings(bytes: Uint8Array, offsets: Uint8Array | undefined, offsetType: string | undefined, count: number): string[] {
  if (!offsets) return [];
  const starts = typed(OFFSET_TYPES[offsetType ?? "UINT32"] ?? 5125, offsets, 0, count + 1);
  const text = new TextDecoder();
  return Array.from({ length: count }, (_, i) => text.decode(bytes.subarray(starts[i], starts[i + 1])));
}

function readScalars(bytes: Uint8Array, type: string | undefined, count: number): number[] {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const readers: Record<string, [number, (offset: number) => number]> = {
    INT8: [1, (o) => data.getInt8(o)],
    UINT8: [1, (o) => data.getUint8(o)],
    INT16: [2, (o) => data.getInt16(o, true)],
    UINT16: [2, (o) => data.getUint16(o, true)],
    INT32: [4, (o) => data.getInt32(o, true)],
    UINT32: [4, (o) => data.getUint32(o, true)],
    FLOAT32: [4, (o) => data.getFloat32(o, true)],
    FLOAT64: [8, (o) => data.getFloat64(o, true)],
  };
  const [size, read] = readers[type ?? "INT32"] ?? readers.INT32!;
  return Array.from({ length: count }, (_, i) => read(i * size));
}
