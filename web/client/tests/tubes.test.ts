import { describe, expect, it } from "vitest";

import { isReplaced, tubesOf } from "../src/layers/tubes";
import { meaningOf } from "../src/map/pick";

const picked = (layer: string, object: unknown): never => ({ picked: true, layer: { id: layer }, object }) as never;

describe("tubes and points", () => {
  it("stand for the feature of their layer", () => {
    expect(meaningOf(picked("tubes/gas & water", { id: "GS-1", class: "pipe" }), null)).toEqual({ type: "feature", layer: "gas & water", id: "GS-1", detail: null });
    expect(meaningOf(picked("points/scans/2026", { id: "a.laz" }), null)).toEqual({ type: "feature", layer: "scans/2026", id: "a.laz", detail: null });
    expect(meaningOf(picked("points/scans", undefined), null)).toBeNull();
    expect(meaningOf(picked("terrain", undefined), null)).toBeNull();
  });

  it("replace the lines of their layer close by and from below only", () => {
    const line = { id: "layer/gas", info: { id: "gas", geometry: "line" } };
    const parts = [line, { id: "tubes/gas" }] as never;
    const context = (cameraMode: string, zoomStep: number): never => ({ state: { cameraMode }, zoomStep }) as never;
    expect(isReplaced(context("underground", 2), line as never, parts)).toBe(true);
    expect(isReplaced(context("underground", 0), line as never, parts)).toBe(false);
    expect(isReplaced(context("overview", 3), line as never, parts)).toBe(false);
    expect(isReplaced(context("underground", 3), line as never, [line] as never)).toBe(false);
    expect(tubesOf("layer/gas")).toBeNull();
  });
});
