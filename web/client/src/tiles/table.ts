/**
 * A tile's property table as columns: an element is an object only once it is picked.
 *
 * Words that many elements share are numbers into a list; texts of their own stay the bytes they came as. Each element's id is also
 * kept as a 64-bit hash, so that "which of these are hidden" is asked of numbers.
 */
export type Numbers = Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;
export type Column =
  | { kind: "numbers"; values: Numbers; noData?: number }
  | { kind: "words"; codes: Uint16Array | Uint32Array; words: string[] }
  | { kind: "texts"; bytes: Uint8Array; starts: Uint32Array };

export interface Table {
  count: number;
  columns: Record<string, Column>;
  hashes: Uint32Array; // (n, 2) of the ids
}

/** One element as its tile knows it; the columns are those of the property table. */
export interface Row {
  id: string;
  class?: string;
  name?: string;
  storey?: string;
  discipline?: string;
  model?: string;
  building?: string;
  [column: string]: unknown;
}

const MOST_WORDS = 4096;

export function emptyTable(count = 0): Table {
  return { count, columns: {}, hashes: new Uint32Array(count * 2) };
}

/** A table of columns, its hashes those of `id`. */
export function tableOf(columns: Record<string, Column>, count: number): Table {
  return { count, columns, hashes: hashesOf(columns.id, count) };
}

/** Texts as they are, or as numbers into the words they repeat, whichever is less. */
export function textColumn(bytes: Uint8Array, starts: Uint32Array): Column {
  const count = starts.length - 1;
  const known = new Map<string, number>();
  const codes = new Uint32Array(count);
  const text = new TextDecoder();
  for (let i = 0; i < count; i++) {
    const word = text.decode(bytes.subarray(starts[i], starts[i + 1]));
    let code = known.get(word);
    if (code === undefined) known.set(word, (code = known.size));
    if (known.size > MOST_WORDS || (i === 255 && known.size > 192)) return { kind: "texts", bytes: bytes.slice(), starts };
    codes[i] = code;
  }
  return wordColumn(codes, [...known.keys()]);
}

export function wordColumn(codes: ArrayLike<number>, words: string[]): Column {
  return { kind: "words", codes: words.length <= 65536 ? Uint16Array.from(codes) : Uint32Array.from(codes), words };
}

export function valueAt(column: Column | undefined, index: number): string | number | undefined {
  if (!column) return undefined;
  if (column.kind === "words") return column.words[column.codes[index]!];
  if (column.kind === "texts") return new TextDecoder().decode(column.bytes.subarray(column.starts[index], column.starts[index + 1]));
  const value = column.values[index];
  return value === column.noData ? undefined : value;
}

/** One element as an object; null where the table has no such row. */
export function rowAt(table: Table, index: number): Row | null {
  if (index < 0 || index >= table.count) return null;
  const values = Object.entries(table.columns).map(([name, column]) => [name, valueAt(column, index)]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined)) as Row;
}

/** What the table keeps in memory. [bytes] */
export function tableBytes({ columns, hashes }: Table): number {
  const sizes = Object.values(columns).map((column) => {
    if (column.kind === "words") return column.codes.byteLength + column.words.reduce((sum, word) => sum + word.length * 2, 0);
    return column.kind === "texts" ? column.bytes.byteLength + column.starts.byteLength : column.values.byteLength;
  });
  return sizes.reduce((sum, size) => sum + size, hashes.byteLength);
}

/** The arrays to hand over from a worker. */
export function tableBuffers({ columns, hashes }: Table): ArrayBuffer[] {
  const own = Object.values(columns).flatMap((column) => {
    if (column.kind === "words") return [column.codes.buffer];
    return column.kind === "texts" ? [column.bytes.buffer, column.starts.buffer] : [column.values.buffer];
  });
  return [...new Set([...own, hashes.buffer])] as ArrayBuffer[];
}

function hashesOf(column: Column | undefined, count: number): Uint32Array {
  const out = new Uint32Array(count * 2);
  if (!column) return out;
  for (let i = 0; i < count; i++) {
    if (column.kind === "texts") hashBytes(column.bytes, column.starts[i]!, column.starts[i + 1]!);
    else hashText(String(valueAt(column, i) ?? ""));
    out[i * 2] = lastLow;
    out[i * 2 + 1] = lastHigh;
  }
  return out;
}

/** The two numbers of the hash that was made last. */
let lastLow = 0;
let lastHigh = 0;

/** Two 32-bit FNV-1a hashes from different starts, mixed: in a million ids two meet once in some ten million parks. */
function hashBytes(bytes: Uint8Array, from: number, to: number): void {
  let low = 0x811c9dc5;
  let high = 0x01234567;
  for (let i = from; i < to; i++) {
    low = Math.imul(low ^ bytes[i]!, 0x01000193);
    high = Math.imul(high ^ bytes[i]!, 0x85ebca6b);
    high ^= high >>> 13;
  }
  lastLow = (low ^ (low >>> 15)) >>> 0;
  lastHigh = high >>> 0;
}

const scratch = new Uint8Array(1024);
const encoder = new TextEncoder();

function hashText(text: string): void {
  const length = text.length;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127 || i === scratch.length) {
      const bytes = encoder.encode(text);
      hashBytes(bytes, 0, bytes.length);
      return;
    }
    scratch[i] = code;
  }
  hashBytes(scratch, 0, length);
}

/** A slot from a hash: ids that are counted differ in few of its low bits. */
function spread(low: number, high: number): number {
  let h = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** From an id to a number of 1 or more, by its hash; made for a hundred thousand ids and asked once for every row of a tile. */
export class IdTable {
  private mask = 0;
  private keys = new Uint32Array(0);
  private values = new Uint32Array(0);
  size = 0;

  constructor(entries: Iterable<readonly [string, number]>, expected: number) {
    const slots = 1 << Math.ceil(Math.log2(Math.max(8, expected * 2)));
    this.mask = slots - 1;
    this.keys = new Uint32Array(slots * 2);
    this.values = new Uint32Array(slots);
    for (const [id, value] of entries) {
      hashText(id);
      this.put(lastLow, lastHigh, value);
    }
  }

  /** The number stored for a hash, 0 if none. */
  find(low: number, high: number): number {
    for (let i = spread(low, high) & this.mask; this.values[i] !== 0; i = (i + 1) & this.mask) {
      if (this.keys[i * 2] === low && this.keys[i * 2 + 1] === high) return this.values[i]!;
    }
    return 0;
  }

  private put(low: number, high: number, value: number): void {
    let i = spread(low, high) & this.mask;
    while (this.values[i] !== 0 && (this.keys[i * 2] !== low || this.keys[i * 2 + 1] !== high)) i = (i + 1) & this.mask;
    if (this.values[i] === 0) {
      this.keys[i * 2] = low;
      this.keys[i * 2 + 1] = high;
      this.size++;
    }
    this.values[i] = value;
  }
}
