import { expect, it } from "vitest";

import { IdTable, rowAt, tableBuffers, tableBytes, valueAt } from "../src/tiles/table";
import { tableOfRows } from "./table";

const ids = Array.from({ length: 5000 }, (_, i) => `2j_iCPsmPoXdI${i.toString(36).padStart(9, "$")}`);
const table = tableOfRows(ids.map((id, i) => ({ id, name: i === 7 ? "楼板" : `Wall ${i}`, storey: `F${i % 4}` })));

it("keeps words that repeat as numbers and texts of their own as bytes", () => {
  expect(table.columns.storey).toMatchObject({ kind: "words", words: ["F0", "F1", "F2", "F3"] });
  expect(table.columns.id?.kind).toBe("texts");
});

it("gives a row back as it was, and none past the end", () => {
  expect(rowAt(table, 7)).toEqual({ id: ids[7], name: "楼板", storey: "F3" });
  expect(rowAt(table, 5000)).toBeNull();
  expect(rowAt(table, -1)).toBeNull();
});

it("leaves out a number that stands for none", () => {
  const heights = { kind: "numbers", values: Float32Array.of(3.5, -9999), noData: -9999 } as const;
  expect([0, 1].map((index) => valueAt(heights, index))).toEqual([3.5, undefined]);
});

it("takes less than half of what its strings would", () => {
  expect(tableBytes(table)).toBeLessThan(5000 * (22 + 9 + 2) * 2 + 5000 * 12);
  expect(tableBuffers(table).every((buffer) => buffer instanceof ArrayBuffer)).toBe(true);
});

it("finds every id that was put in and no other", () => {
  const even = new IdTable(ids.flatMap((id, i): [string, number][] => (i % 2 ? [] : [[id, i + 1]])), 2500);
  const found = ids.map((_, i) => even.find(table.hashes[i * 2]!, table.hashes[i * 2 + 1]!));
  expect(found).toEqual(ids.map((_, i) => (i % 2 ? 0 : i + 1)));
});

it("finds ids in any script, and the last of two numbers for one", () => {
  const rows = tableOfRows([{ id: "构件-01" }, { id: "x" }]);
  const known = new IdTable([["构件-01", 1], ["x", 2], ["x", 3]], 3); // prettier-ignore
  expect([0, 1].map((i) => known.find(rows.hashes[i * 2]!, rows.hashes[i * 2 + 1]!))).toEqual([1, 3]);
  expect(known.size).toBe(2);
});
