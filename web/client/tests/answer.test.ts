import { describe, expect, it } from "vitest";

import type { Samples, Scorecard } from "../src/api/types";
import { rampRange, shownSamples, valueRange } from "../src/layers/samples";
import { viridis } from "../src/map/palette";
import { barPlaces, verdictOf } from "../src/panels/interval";
import { pointsText, totalsOf } from "../src/panels/ScorecardPanel";

describe("the bar of an answer", () => {
  it("places shares between nought and one", () => {
    expect(barPlaces({ value: 0.5, lower: 0.4, upper: 0.6, threshold: 0.9 }, true)).toEqual({ value: 50, low: 40, high: 60, threshold: 90 });
  });

  it("keeps a narrow interval visible, and inside", () => {
    const { low, high } = barPlaces({ value: 0.1613, lower: 0.1612, upper: 0.1615, threshold: null }, true);
    expect(high - low).toBeGreaterThan(0.5);
    expect(barPlaces({ value: 1, lower: 1, upper: 1, threshold: null }, true).high).toBe(100);
  });

  it("leaves room past other values", () => {
    expect(barPlaces({ value: 10, lower: 9, upper: 11, threshold: 20 }, false).threshold).toBeLessThan(100);
  });
});

describe("a verdict", () => {
  it("is left open where the threshold lies inside the bounds", () => {
    expect(verdictOf({ value: 0.91, lower: 0.89, upper: 0.92, threshold: 0.9 })).toBe("undecided");
    expect(verdictOf({ value: 0.91, lower: 0.9, upper: 0.92, threshold: 0.9 })).toBe("pass");
    expect(verdictOf({ value: 0.5, lower: 0.4, upper: 0.6, threshold: 0.9 })).toBe("fail");
    expect(verdictOf({ value: 0.5, lower: 0.4, upper: 0.6, threshold: null })).toBeNull();
  });
});

describe("a scorecard", () => {
  const row = { id: "a", clause: "1", title_zh: "", title_en: "", measure: null, value: null, lower: null, upper: null, threshold: null };
  const card = {
    pack: "p", edition: "1", park: "x", at: "", totals: {},
    indicators: [
      { ...row, points: [2, 4], max_points: 5, verdict: "partial" },
      { ...row, points: [5, 5], max_points: 5, verdict: "pass" },
      { ...row, points: null, max_points: 3, verdict: "not_measured" },
    ],
  } as unknown as Scorecard; // prettier-ignore

  it("adds points as a range and counts what is decided", () => {
    expect(totalsOf(card)).toEqual({ low: 7, high: 9, max: 13, decided: 2, count: 3 });
  });

  it("writes a range only where there is one, and never nought for unmeasured", () => {
    expect(pointsText([2, 4], 5)).toBe("2–4 / 5");
    expect(pointsText([5, 5], 5)).toBe("5 / 5");
    expect(pointsText(null, 3)).toBe("– / 3");
  });
});

describe("samples", () => {
  const samples: Samples = {
    unit: "px/m", threshold: 125, lon: [0, 0, 0, 0], lat: [0, 0, 0, 0], h: [1.5, 1.5, 6, 6], value: [10, 2000, null, 130], state: [0, 1, -1, 1], size_m: 1,
  }; // prettier-ignore

  it("span what is known, cut at four times the threshold", () => {
    expect(valueRange([null, 3, 1])).toEqual([1, 3]);
    expect(rampRange(samples)).toEqual([10, 500]);
  });

  it("leave gaps to the gaps and show one storey at a time", () => {
    const storey = { id: "s", name: "2F", elevation_m: 4, base_h_m: 4, height_m: 4, model_id: "m", spaces: [] };
    expect([...shownSamples(samples, "state", true, null)]).toEqual([1, 2, 3]);
    expect([...shownSamples(samples, "value", true, storey)]).toEqual([2, 3]);
  });
});

it("viridis runs from violet to yellow and stays there", () => {
  expect(viridis(0)).toEqual([68, 1, 84]);
  expect(viridis(1)).toEqual([253, 231, 37]);
  expect(viridis(7)).toEqual([253, 231, 37]);
  expect(viridis(Number.NaN)).toEqual([68, 1, 84]);
});
