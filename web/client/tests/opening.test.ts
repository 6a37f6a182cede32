import { describe, expect, it } from "vitest";

import { extentOf } from "../src/map/outlines";
import { askedFor } from "../src/map/opening";
import { registeredFeature } from "../src/tiles/registered-tileset";

describe("what an address asks for", () => {
  it("is one thing by type and id, whatever the id holds", () => {
    expect(askedFor("?select=element:2XPyKWY018sA1ygZKgQPtU")).toEqual({ type: "element", id: "2XPyKWY018sA1ygZKgQPtU" });
    expect(askedFor("?lang=zh&select=feature%3A%E5%BB%BA%E7%AD%91%2Fa%3Ab%26c")).toEqual({ type: "feature", id: "建筑/a:b&c" });
  });

  it("is nothing where nothing is asked", () => {
    for (const search of ["", "?select=", "?select=element", "?select=element:", "?select=:x"]) expect(askedFor(search)).toBeNull();
  });
});

describe("a registered tileset", () => {
  it("stands for its feature", () => {
    expect(registeredFeature("mesh/%E5%80%BE%E6%96%9C/a%2Fb")).toEqual({ layer: "倾斜", feature: "a/b" });
    expect(registeredFeature("model/x")).toBeNull();
    expect(registeredFeature("mesh/x")).toBeNull();
  });
});

describe("the extent of a geometry", () => {
  it("is the middle and half diagonal of its box", () => {
    const extent = extentOf({ type: "LineString", coordinates: [[104, 30], [104.001, 30]] });
    expect(extent!.middle).toEqual([104.0005, 30]);
    expect(extent!.radius).toBeGreaterThan(48);
    expect(extent!.radius).toBeLessThan(49);
  });
});
