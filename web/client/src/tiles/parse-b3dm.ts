/**
 * A tile's content of either kind: a glb, or the glb inside a b3dm (3D Tiles 1.0, 8.2), whose batch table takes the place of the
 * property table and whose RTC_CENTER says where positions count from.
 */
import { type BufferDecoder, type ParsedGlb, parseGlb } from "./parse-glb";
import { type Column, type Table, tableOf, textColumn } from "./table";

// tables are read as the JSON they are
type Json = any;

const B3DM_MAGIC = 0x6d643362;
const HEADER = 28; // magic, version, length of the whole, lengths of the feature table's and the batch table's JSON and binary

/** @throws if the bytes are neither, or what they hold is a glTF of version 1 */
export function parseTile(buffer: ArrayBuffer, decoder?: BufferDecoder): ParsedGlb {
  const header = new DataView(buffer);
  if (buffer.byteLength < HEADER || header.getUint32(0, true) !== B3DM_MAGIC) return parseGlb(buffer, decoder);
  const lengths = [12, 16, 20, 24].map((offset) => header.getUint32(offset, true)) as [number, number, number, number];
  const [featureJson, featureBinary, batchJson, batchBinary] = lengths;
  const start = HEADER + featureJson + featureBinary;
  const glb = start + batchJson + batchBinary;
  if (glb > buffer.byteLength) throw new Error("the b3dm ends early");
  const features = readJson(buffer, HEADER, featureJson);
  const parsed = parseGlb(buffer.slice(glb), decoder);
  const count = Number(features.BATCH_LENGTH ?? 0);
  const table = batchJson ? batchTable(readJson(buffer, start, batchJson), new Uint8Array(buffer, start + batchJson, batchBinary), count) : parsed.table;
  parsed.mesh.features = Math.max(parsed.mesh.features, count);
  return { ...parsed, table, origin: moved(parsed.origin, rtcCenter(features, buffer, HEADER + featureJson)) };
}

function readJson(buffer: ArrayBuffer, start: number, length: number): Json {
  return length ? JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, start, length))) : {};
}

function rtcCenter(features: Json, buffer: ArrayBuffer, binary: number): number[] | null {
  const said = features.RTC_CENTER;
  if (Array.isArray(said)) return said;
  if (typeof said?.byteOffset !== "number") return null;
  const data = new DataView(buffer, binary + said.byteOffset, 12);
  return [0, 4, 8].map((offset) => data.getFloat32(offset, true));
}

/** RTC_CENTER is z up, an origin y up. */
function moved(origin: ParsedGlb["origin"], centre: number[] | null): ParsedGlb["origin"] {
  if (!centre) return origin;
  const [x, y, z] = origin ?? [0, 0, 0];
  return [x + centre[0]!, y + centre[2]!, z - centre[1]!];
}

const COMPONENTS: Record<string, [number, (data: DataView, offset: number) => number]> = {
  BYTE: [1, (data, o) => data.getInt8(o)],
  UNSIGNED_BYTE: [1, (data, o) => data.getUint8(o)],
  SHORT: [2, (data, o) => data.getInt16(o, true)],
  UNSIGNED_SHORT: [2, (data, o) => data.getUint16(o, true)],
  INT: [4, (data, o) => data.getInt32(o, true)],
  UNSIGNED_INT: [4, (data, o) => data.getUint32(o, true)],
  FLOAT: [4, (data, o) => data.getFloat32(o, true)],
  DOUBLE: [8, (data, o) => data.getFloat64(o, true)],
};

/** Columns by name; without an `id` the first that looks like one takes its place, else the number of the row. */
function batchTable(json: Json, binary: Uint8Array, count: number): Table {
  const columns: Record<string, Column> = {};
  for (const [name, property] of Object.entries<Json>(json)) {
    if (name === "extensions" || name === "extras") continue;
    const column = Array.isArray(property) ? texts(property, count) : numbers(property, binary, count);
    if (column) columns[name] = column;
  }
  columns.id ??= columns[Object.keys(columns).find((name) => /^(global_?id|gml[:_]?id|element_?id|guid|name)$/i.test(name)) ?? ""] ?? ordinals(count);
  return tableOf(columns, count);
}

function ordinals(count: number): Column {
  return texts(Array.from({ length: count }, (_, i) => String(i)), count);
}

function numbers(property: Json, binary: Uint8Array, count: number): Column | null {
  const [size, read] = COMPONENTS[property?.componentType] ?? [];
  if (!size || !read || property.type !== "SCALAR") return null;
  const data = new DataView(binary.buffer, binary.byteOffset, binary.byteLength);
  return { kind: "numbers", values: Float64Array.from({ length: count }, (_, i) => read(data, property.byteOffset + i * size)) };
}

function texts(values: unknown[], count: number): Column {
  const encoder = new TextEncoder();
  const encoded = Array.from({ length: count }, (_, i) => {
    const value = values[i] ?? "";
    return encoder.encode(typeof value === "object" ? JSON.stringify(value) : String(value));
  });
  const starts = new Uint32Array(count + 1);
  encoded.forEach((bytes, i) => (starts[i + 1] = starts[i]! + bytes.length));
  const all = new Uint8Array(starts[count]!);
  encoded.forEach((bytes, i) => all.set(bytes, starts[i]));
  return textColumn(all, starts);
}
