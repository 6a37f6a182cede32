import { expect, it } from "vitest";

import type { Change, ChangeKind, SourceInfo } from "../src/api/types";
import { stateRules } from "../src/layers/tilesets";
import { encodeStates, pack } from "../src/tiles/feature-state";
import { tableOfRows } from "./table";
import { changeColor } from "../src/map/palette";
import { initialState } from "../src/state/store";
import { lookOf, looksOf, ordered, sourceOfModel } from "../src/state/versions";

const change = (id: string, kinds: ChangeKind[], what: Change["what"] = "element"): Change => ({
  id, kinds, what, name: id, model_or_layer: "m", ifc_class: null, was_id: null, distance_m: null, fields: {}, lonlat_h: null,
}); // prettier-ignore

it("an element under another id alone is nothing to see", () => {
  expect(lookOf(["renamed_id"])).toBeNull();
  expect(lookOf(["renamed_id", "moved"])).toBe("changed");
  expect(lookOf(["added"])).toBe("added");
  expect(lookOf(["removed"])).toBe("removed");
});

it("only elements are coloured", () => {
  const looks = looksOf([change("a", ["added"]), change("r", ["added"], "space"), change("b", ["reshaped", "changed"]), change("c", ["renamed_id"])]);
  expect([...looks]).toEqual([["a", "added"], ["b", "changed"]]);
});

it("what is new comes first, what has another id last, elements before rooms", () => {
  const listed = ordered([
    change("id", ["renamed_id"]), change("room", ["added"], "space"), change("said", ["changed"]), change("moved", ["renamed_id", "moved"]), change("gone", ["removed"]), change("new", ["added"]),
  ]); // prettier-ignore
  expect(listed.map((one) => one.id)).toEqual(["new", "room", "gone", "moved", "said", "id"]);
});

it("a model is known by the source that it came from", () => {
  const info = (name: string, models: string[]): SourceInfo => ({ name, models, importer: "ifc", at: "", version: 1, versions: 1, layers: [], devices: 0, issues: 0 });
  const sources = [info("a.ifc", ["x"]), info("b.ifc", ["y", "z"])];
  expect(sourceOfModel(sources, "z")?.name).toBe("b.ifc");
  expect(sourceOfModel(sources, "none")).toBeNull();
});

it("the map shows what became of an element, and the chosen one as chosen", () => {
  const comparison = { difference: null as never, looks: new Map([["a", "added"]] as const), left: "" };
  const state = { ...initialState, comparison };
  const brand = [1, 2, 3] as const;
  const table = tableOfRows([{ id: "a" }, { id: "b" }]);
  const shown = (of: typeof state): number[] => [...new Uint32Array(encodeStates(table, 2, stateRules(of as never, brand)).data.buffer, 0, 2)];
  expect(shown(state)).toEqual([pack({ color: changeColor("added", "light"), strength: 0.7 }), pack("own")]);
  const chosen = { ...state, selection: { type: "element", id: "a", class: "", name: "", building: null, model: null, detail: null } as const };
  expect(shown(chosen as never)[0]).toBe(pack({ color: brand, strength: 0.62 }));
});
