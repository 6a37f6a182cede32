/** One EXT_structural_metadata property table, or the batch table of a b3dm, as columns. */
import { type Column, type Numbers as Values, type Table, tableOf, textColumn, wordColumn } from "./table";

// glTF is read as the JSON it is
type Json = any;
type View = { bytes: Uint8Array };

export function readTable(json: Json, views: View[]): Table {
  const metadata = json.extensions?.EXT_structural_metadata;
  const table = metadata?.propertyTables?.[0];
  if (!table) return tableOf({}, 0);
  const properties = metadata.schema.classes[table.class].properties;
  const columns: Record<string, Column> = {};
  for (const [name, kind] of Object.entries<Json>(properties)) {
    const property = table.properties?.[name];
    const column = property ? readColumn(kind, property, metadata.schema.enums ?? {}, views, table.count) : defaultColumn(kind, table.count);
    if (column) columns[name] = column;
  }
  return tableOf(columns, table.count);
}

/** What the schema says of a column that has no values of its own. */
function defaultColumn(kind: Json, count: number): Column | null {
  if (typeof kind.default === "number") return { kind: "numbers", values: new Float64Array(count).fill(kind.default) };
  return typeof kind.default === "string" ? wordColumn(new Uint16Array(count), [kind.default]) : null;
}

function readColumn(kind: Json, property: Json, enums: Json, views: View[], count: number): Column | null {
  const values = views[property.values];
  if (!values || kind.array) return null;
  if (kind.type === "STRING") {
    const offsets = views[property.stringOffsets]?.bytes;
    return offsets ? textColumn(values.bytes, Uint32Array.from(scalars(offsets, property.stringOffsetType ?? "UINT32", count + 1))) : null;
  }
  if (kind.type === "ENUM") return enumColumn(enums[kind.enumType], values.bytes, count, kind.noData);
  if (kind.type === "BOOLEAN") return wordColumn(bits(values.bytes, count), ["false", "true"]);
  if (kind.type !== "SCALAR" || !(kind.componentType in SCALARS)) return null;
  return { kind: "numbers", values: scalars(values.bytes, kind.componentType, count), ...(kind.noData === undefined ? {} : { noData: kind.noData }) };
}

/** The numbers of an enumeration as numbers into its names; the name for what is missing is no text. */
function enumColumn(kind: Json, bytes: Uint8Array, count: number, noData: string | undefined): Column | null {
  if (!kind) return null;
  const places = new Map<number, number>(kind.values.map((one: Json, i: number) => [one.value, i]));
  const words: string[] = kind.values.map((one: Json) => (one.name === noData ? "" : String(one.name)));
  const raw = scalars(bytes, kind.valueType ?? "UINT16", count);
  return wordColumn(Uint32Array.from(raw, (value) => places.get(value) ?? words.length), words);
}

function bits(bytes: Uint8Array, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (bytes[i >> 3]! >> (i & 7)) & 1);
}

const SCALARS = {
  INT8: Int8Array, UINT8: Uint8Array, INT16: Int16Array, UINT16: Uint16Array, INT32: Int32Array, UINT32: Uint32Array,
  FLOAT32: Float32Array, FLOAT64: Float64Array,
} as const; // prettier-ignore

/** A copy of its own, so that it can be handed over. */
function scalars(bytes: Uint8Array, type: string, count: number): Values {
  const Kind = SCALARS[type as keyof typeof SCALARS] ?? Uint32Array;
  return new Kind(bytes.slice(0, count * Kind.BYTES_PER_ELEMENT).buffer as ArrayBuffer);
}
