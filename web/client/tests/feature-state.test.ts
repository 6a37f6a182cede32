import { expect, it } from "vitest";

import type { State } from "../src/state/store";
import { initialState } from "../src/state/store";
import { stateRules, storeyCut } from "../src/layers/tilesets";
import { type FeatureState, encodeStates, pack, stateHeight } from "../src/tiles/feature-state";
import { STATE_WIDTH } from "../src/tiles/shaders";
import { tableOfRows } from "./table";

const BRAND = [11, 107, 203] as const;
const storey = (id: string, base_h_m: number) => ({ id, name: id, elevation_m: base_h_m, base_h_m, height_m: 4, model_id: "m", spaces: [] });
const building = {
  id: "B1", name: "B1", name_zh: null, lon: 0, lat: 0, base_h_m: 0, height_m: 12, storeys: 3, usage: null, models: ["m"], footprint: null,
}; // prettier-ignore

function inside(storeyId: string | null): State {
  return { ...initialState, buildings: [building], buildingId: "B1", storeys: [storey("f2", 4), storey("f1", 0), storey("f3", 8)], storeyId };
}

/** What the state says of rows, read back from the texture. */
function statesOf(state: State, rows: Record<string, string>[]): number[] {
  const { data } = encodeStates(tableOfRows(rows), rows.length, stateRules(state, BRAND));
  return [...new Uint32Array(data.buffer, 0, rows.length)];
}
const codes = (...states: FeatureState[]): number[] => states.map(pack);
const chosen = (id: string): State["selection"] => ({ type: "element", id, class: "", name: "", building: null, model: null, detail: null });

it("a texture holds as many rows as its elements need", () => {
  expect(stateHeight(0)).toBe(1);
  expect(stateHeight(STATE_WIDTH)).toBe(1);
  expect(stateHeight(STATE_WIDTH + 1)).toBe(2);
});

it("each state has its own alpha", () => {
  const bytes = (state: FeatureState): number[] => [...new Uint8Array(Uint32Array.of(pack(state)).buffer)];
  expect((["own", "hidden", "ghost"] as const).map((state) => bytes(state)[3])).toEqual([255, 0, 160]);
  expect(bytes({ color: [255, 7, 1], strength: 0.5 })).toEqual([255, 7, 1, 62]);
});

it("an isolated storey hides what is above it and ghosts what is below and beside", () => {
  const rows: Record<string, string>[] = [
    { id: "a", storey: "f2", model: "m" },
    { id: "b", storey: "f3", model: "m" },
    { id: "c", storey: "f1", model: "m" },
    { id: "d", storey: "f2", model: "other" },
    { id: "roof", storey: "", model: "m" },
    { id: "e", storey: "f2", model: "other", building: "B1" },
  ];
  expect(statesOf(inside("f2"), rows)).toEqual(codes("own", "hidden", "ghost", "ghost", "hidden", "own"));
  expect(statesOf({ ...inside("f2"), selection: chosen("a") }, rows)[0]).toBe(pack({ color: BRAND, strength: 0.62 }));
  expect(statesOf({ ...inside("f2"), selection: chosen("b") }, rows)[1]).toBe(pack("hidden"));
  expect(statesOf({ ...inside("f2"), hiddenElements: new Set(["a", "d"]) }, rows).slice(0, 4)).toEqual(codes("hidden", "hidden", "ghost", "hidden"));
});

it("without a chosen storey all is shown as it is", () => {
  expect(storeyCut(inside(null))).toBeNull();
  expect(statesOf(inside(null), [{ id: "a", storey: "f3", model: "m" }])).toEqual(codes("own"));
});

it("what was hidden stays hidden, what is chosen is coloured, the rest of an isolated element is ghosted", () => {
  const state = { ...inside(null), hiddenElements: new Set(["h"]) };
  const rows = [{ id: "h" }, { id: "x" }, { id: "y" }];
  expect(statesOf({ ...state, selection: chosen("x") }, rows)).toEqual(codes("hidden", { color: BRAND, strength: 0.62 }, "own"));
  expect(statesOf({ ...state, isolatedElement: "x" }, rows)).toEqual(codes("hidden", "own", "ghost"));
  expect(statesOf({ ...state, isolatedElement: "x", selection: chosen("y") }, rows)).toEqual(codes("hidden", "own", "ghost"));
});

it("a chosen building tints what is its own or of its models", () => {
  const state: State = { ...inside(null), selection: { type: "building", id: "B1", detail: building } };
  const rows = [{ id: "B1", building: "B1", model: "" }, { id: "p", building: "", model: "m" }, { id: "q", building: "B2", model: "n" }];
  expect(statesOf(state, rows)).toEqual(codes({ color: BRAND, strength: 0.62 }, { color: BRAND, strength: 0.22 }, "own"));
});

it("of a hundred thousand elements only the textures that differ are said to", () => {
  const tiles = Array.from({ length: 100 }, (_, tile) => tableOfRows(Array.from({ length: 1000 }, (_, i) => ({ id: `${tile}/${i}`, storey: `f${i % 3}`, model: "m" }))));
  const textures = tiles.map((table) => encodeStates(table, 1000, stateRules(inside(null), BRAND)).data);
  const change = (state: State): number => {
    const rules = stateRules(state, BRAND);
    return tiles.filter((table, i) => encodeStates(table, 1000, rules, textures[i]).isChanged).length;
  };
  expect(change(inside(null))).toBe(0);
  expect(change({ ...inside(null), hiddenElements: new Set(["3/5", "3/6", "70/1"]) })).toBe(2);
  expect(change({ ...inside(null), hiddenElements: new Set(tiles.flatMap((_, tile) => Array.from({ length: 1000 }, (_, i) => `${tile}/${i}`))) })).toBe(100);
  expect(textures.every((data) => new Uint32Array(data.buffer, 0, 1000).every((pixel) => pixel === 0))).toBe(true);
  expect(change(inside(null))).toBe(100);
});
