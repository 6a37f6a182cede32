import { beforeAll, describe, expect, it } from "vitest";

import type { LayerInfo, Measure, MeasureParameter } from "../src/api/types";
import { startLanguage } from "../src/i18n";
import { formatChange, formatQuantity, formatValue } from "../src/i18n/format";
import { grouped } from "../src/panels/groups";
import { inOrder, parameterText, surfaceChoices, valueName } from "../src/panels/parameters";

const named = (name: string): MeasureParameter => ({ name, default: 1, unit: "m", source: "", meaning_en: "", meaning_zh: "", choices: [] });
const measured = (id: string): Measure => ({ id, title_en: id, title_zh: id, unit: "1", quantity: "m2", sources: [], parameters: [] });

beforeAll(() => {
  Object.assign(globalThis, { document: { documentElement: {} } });
  startLanguage("en");
});

describe("a measure's parameters", () => {
  const many = ["step_m", "doors", "surface", "k", "light", "terrain", "density_px_per_m", "statuses"].map(named);

  it("come with the common ones first and every one once", () => {
    const { first, more } = inOrder(many, {});
    expect(first.map((one) => one.name)).toEqual(["surface", "density_px_per_m", "light"]);
    expect([...first, ...more].map((one) => one.name).sort()).toEqual(many.map((one) => one.name).sort());
  });

  it("are never folded away once they are given, nor where there are few", () => {
    expect(inOrder(many, { terrain: "flat" }).first.map((one) => one.name)).toContain("terrain");
    expect(inOrder(many.slice(0, 4), {}).more).toEqual([]);
  });

  it("say their values in words", () => {
    expect(valueName("rule", "point")).toBe("each point");
    expect(valueName("body", "point")).toBe("a point");
    expect(valueName("classes", "lobby")).toBe("lobby");
    expect(valueName("model", "38.901-uma")).toBe("38.901-uma");
    expect(parameterText("step_m", 0.5, "m")).toBe("0.5 m");
    expect(parameterText("statuses", ["in_service", "planned"])).toBe("in service · planned");
  });

  it("offer surfaces by name, layers of areas, and the storey that is looked at", () => {
    const layer = (id: string, geometry: LayerInfo["geometry"]): LayerInfo => ({ id, geometry, title_en: id, title_zh: id, features: 3 }) as LayerInfo;
    const groups = surfaceChoices(
      [{ id: "road_surface", title_en: "Road surface", title_zh: "道路路面" }],
      [layer("zones", "polygon"), layer("pipes", "line")],
      { storey: { value: "storey:1", label: "1F" }, space: null },
      "en",
    );
    expect(groups.flatMap((group) => group.options.map((one) => one.value))).toEqual(["road_surface", "storey:1", "layer:zones"]);
  });
});

it("measures are grouped, none lost", () => {
  const groups = grouped([measured("wifi_area_share"), measured("camera_area_share"), measured("something_new"), measured("camera_facade_area_share")]);
  expect(groups.map((one) => [one.group, one.measures.length])).toEqual([["security", 2], ["network", 1], ["other", 1]]);
});

describe("values that are no shares", () => {
  it("carry what they count", () => {
    expect(formatValue(3, "count", "en", "function")).toEqual({ number: "3", unit: "functions" });
    expect(formatValue(3, "count", "zh", "function")).toEqual({ number: "3", unit: "项功能" });
    expect(formatQuantity(812.4, "m", "en")).toBe("812 m");
    expect(formatQuantity(2, "function", "zh")).toBe("2 项功能");
  });

  it("differ in their own unit, shares in points with the digits that matter", () => {
    expect(formatChange(-0.0000595, "1", "en")).toBe("0.006 points");
    expect(formatChange(0.1234, "1", "zh")).toBe("12.3 个百分点");
    expect(formatChange(2, "count", "en")).toBe("2");
  });
});
