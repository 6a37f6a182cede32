import { expect, it } from "vitest";

import type { Storey } from "../src/api/types";
import { sortStoreys, storeyLabels } from "../src/state/selection";

const storey = (name: string, elevation_m: number): Storey => ({ id: name, name, elevation_m, base_h_m: 100 + elevation_m, height_m: null, model_id: "m", spaces: [] });
const labels = (storeys: Storey[]): string[] => sortStoreys(storeys).map((one) => storeyLabels(storeys).get(one.id)!);

it("storeys are sorted by height, whatever their names", () => {
  expect(sortStoreys([storey("2F", 5), storey("B1", -4), storey("1F", 0)]).map((one) => one.name)).toEqual(["B1", "1F", "2F"]);
});

it("names that say a number keep it", () => {
  expect(labels([storey("B2", -9), storey("B1", -5), storey("1F", 0), storey("12F", 45), storey("RF", 49)])).toEqual(["B2", "B1", "1F", "12F", "RF"]);
  expect(labels([storey("地下1层", -4), storey("首层", 0), storey("二层", 4)])).toEqual(["B1", "1F", "2F"]);
  expect(labels([storey("3层", 8), storey("1层", 0), storey("2层", 4)])).toEqual(["1F", "2F", "3F"]);
});

it("other names are counted from the entrance", () => {
  expect(labels([storey("T/FDN", -1.25), storey("Level 1", 0), storey("Level 2", 3.1), storey("Roof", 6)])).toEqual(["B1", "1F", "2F", "3F"]);
});

it("two storeys of one name are counted, not mixed up", () => {
  expect(labels([{ ...storey("1F", 0), id: "a" }, { ...storey("1F", 4), id: "b" }])).toEqual(["1F", "2F"]);
});
