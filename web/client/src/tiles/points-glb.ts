/**
 * A glb of one mesh without features, as points and ground have them: its attributes as they lie in the file, ready for the card.
 *
 * Nothing is copied or turned into floats; unpacking takes a millisecond or two for a hundred thousand points, so no worker is asked.
 */
import { type BufferDecoder } from "./parse-glb";
import { type Matrix, nodeMatrix } from "./matrix";

export interface PlainAttribute {
  data: Uint8Array;
  format: "float32x3" | "unorm16x4" | "unorm8x4" | "snorm8x4";
  count: number;
}
export interface PlainMesh {
  attributes: Record<string, PlainAttribute>;
  indices: Uint16Array | Uint32Array | null;
  /** From the attributes' numbers, 16-bit ones counted from 0 to 1, to the tile's own metres, y up. */
  matrix: Matrix;
}

// glTF is read as the JSON it is
type Json = any;

const GLB_MAGIC = 0x46546c67;
const FLOAT = 5126;
const UNSIGNED_SHORT = 5123;
const BYTE = 5120;

/** @throws if the bytes are no glb of one primitive */
export function readPlain(buffer: ArrayBuffer, decoder: BufferDecoder): PlainMesh {
  const header = new DataView(buffer);
  if (buffer.byteLength < 20 || header.getUint32(0, true) !== GLB_MAGIC) throw new Error("not a glb");
  const length = header.getUint32(12, true);
  const json: Json = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 20, length)));
  const primitive = json.meshes?.[0]?.primitives?.[0];
  if (!primitive) throw new Error("a glb without a mesh");
  const unpacked = (index: number): { bytes: Uint8Array; accessor: Json } => {
    const accessor = json.accessors[index];
    return { bytes: readView(json.bufferViews[accessor.bufferView], buffer, 20 + length + 8, decoder), accessor };
  };
  const attributes: Record<string, PlainAttribute> = {};
  for (const [name, index] of Object.entries<number>(primitive.attributes)) {
    const { bytes, accessor } = unpacked(index);
    attributes[name] = { data: bytes, format: formatOf(accessor.componentType), count: accessor.count };
  }
  const node = json.nodes[0];
  const isShort = attributes.POSITION?.format === "unorm16x4";
  const step = (node.scale?.[0] ?? 1) * (isShort ? 65535 : 1);
  return { attributes, indices: primitive.indices === undefined ? null : indicesOf(unpacked(primitive.indices)), matrix: nodeMatrix({ ...node, scale: [step, step, step] }) };
}

function readView(view: Json, buffer: ArrayBuffer, binary: number, decoder: BufferDecoder): Uint8Array {
  const packed = view.extensions?.EXT_meshopt_compression;
  if (!packed) return new Uint8Array(buffer.slice(binary + (view.byteOffset ?? 0), binary + (view.byteOffset ?? 0) + view.byteLength));
  const bytes = new Uint8Array(packed.count * packed.byteStride);
  const source = new Uint8Array(buffer, binary + (packed.byteOffset ?? 0), packed.byteLength);
  decoder.decodeGltfBuffer(bytes, packed.count, packed.byteStride, source, packed.mode, packed.filter ?? "NONE");
  return bytes;
}

function formatOf(component: number): PlainAttribute["format"] {
  if (component === FLOAT) return "float32x3";
  if (component === UNSIGNED_SHORT) return "unorm16x4";
  return component === BYTE ? "snorm8x4" : "unorm8x4";
}

function indicesOf({ bytes, accessor }: { bytes: Uint8Array; accessor: Json }): Uint16Array | Uint32Array {
  const buffer = bytes.buffer as ArrayBuffer;
  return accessor.componentType === UNSIGNED_SHORT ? new Uint16Array(buffer, 0, accessor.count) : new Uint32Array(buffer, 0, accessor.count);
}

/** What a mesh takes on the card and beside it. [bytes] */
export function plainBytes({ attributes, indices }: PlainMesh): number {
  return Object.values(attributes).reduce((sum, one) => sum + one.data.byteLength, indices?.byteLength ?? 0);
}
