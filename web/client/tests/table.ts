/** A property table as a tile would bring it, from rows. */
import { type Table, tableOf, textColumn } from "../src/tiles/table";

export function tableOfRows(rows: Record<string, string>[]): Table {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return tableOf(Object.fromEntries(names.map((name) => [name, texts(rows.map((row) => row[name] ?? ""))])), rows.length);
}

function texts(values: string[]): ReturnType<typeof textColumn> {
  const encoded = values.map((value) => new TextEncoder().encode(value));
  const starts = new Uint32Array(values.length + 1);
  encoded.forEach((bytes, i) => (starts[i + 1] = starts[i]! + bytes.length));
  const all = new Uint8Array(starts[values.length]!);
  encoded.forEach((bytes, i) => all.set(bytes, starts[i]));
  return textColumn(all, starts);
}
