import { expect, it } from "vitest";

import type { State } from "../src/state/store";
import { initialState } from "../src/state/store";
import { elementState, storeyCut } from "../src/layers/tilesets";
import { encodeStates, stateHeight } from "../src/tiles/feature-state";
import { STATE_WIDTH } from "../src/tiles/shaders";

const BRAND = [11, 107, 203] as const;
const storey = (id: string, base_h_m: number) => ({ id, name: id, elevation_m: base_h_m, base_h_m, height_m: 4, model_id: "m", spaces: [] });
const building = {
  id: "B1", name: "B1", name_zh: null, lon: 0, lat: 0, base_h_m: 0, height_m: 12, storeys: 3, usage: null, models: ["m"], footprint: null,
}; // prettier-ignore

function inside(storeyId: string | null): State {
  return { ...initialState, buildings: [building], buildingId: "B1", storeys: [storey("f2", 4), storey("f1", 0), storey("f3", 8)], storeyId };
}

it("a texture holds as many rows as its elements need", () => {
  expect(stateHeight(0)).toBe(1);
  expect(stateHeight(STATE_WIDTH)).toBe(1);
  expect(stateHeight(STATE_WIDTH + 1)).toBe(2);
});

it("each state has its own alpha", () => {
  const rows = ["own", "hidden", "ghost", "red"].map((id) => ({ id }));
  const { data, hasGhosts } = encodeStates(rows, 4, (row) =>
    row.id === "red" ? { color: [255, 0, 0], strength: 0.5 } : (row.id as "own" | "hidden" | "ghost"),
  );
  expect([data[3], data[7], data[11], data[15]]).toEqual([255, 0, 160, 62]);
  expect([...data.slice(12, 15)]).toEqual([255, 0, 0]);
  expect(hasGhosts).toBe(true);
});

it("an isolated storey hides what is above it and ghosts what is below and beside", () => {
  const state = inside("f2");
  const cut = storeyCut(state);
  const stateOf = (row: { id: string; storey?: string; model?: string; building?: string }) => elementState(row, state, cut, BRAND);
  expect(stateOf({ id: "a", storey: "f2", model: "m" })).toBe("own");
  expect(stateOf({ id: "b", storey: "f3", model: "m" })).toBe("hidden");
  expect(stateOf({ id: "c", storey: "f1", model: "m" })).toBe("ghost");
  expect(stateOf({ id: "d", storey: "f2", model: "other" })).toBe("ghost");
  expect(stateOf({ id: "roof", model: "m" })).toBe("hidden");
});

it("without a chosen storey all is shown as it is", () => {
  expect(storeyCut(inside(null))).toBeNull();
  expect(elementState({ id: "a", storey: "f3", model: "m" }, inside(null), null, BRAND)).toBe("own");
});

it("what was hidden stays hidden, what is chosen is coloured, the rest of an isolated element is ghosted", () => {
  const state = { ...inside(null), hiddenElements: new Set(["h"]) };
  expect(elementState({ id: "h" }, state, null, BRAND)).toBe("hidden");
  const chosen: State = { ...state, selection: { type: "element", id: "x", class: "", name: "", building: null, model: null, detail: null } };
  expect(elementState({ id: "x" }, chosen, null, BRAND)).toMatchObject({ color: BRAND });
  expect(elementState({ id: "y" }, { ...state, isolatedElement: "x" }, null, BRAND)).toBe("ghost");
});
