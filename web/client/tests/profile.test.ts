import { expect, it } from "vitest";

import { isLight, isWeak, memoryMb } from "../src/state/profile";

it("a phone and a machine with little memory are weak, a touch screen on a desk is not", () => {
  expect(isWeak({ memoryGb: 8, isTouched: true, shorterSide: 390 })).toBe(true);
  expect(isWeak({ memoryGb: 2, isTouched: false, shorterSide: 1080 })).toBe(true);
  expect(isWeak({ memoryGb: 8, isTouched: true, shorterSide: 1200 })).toBe(false);
  expect(isWeak({ memoryGb: undefined, isTouched: false, shorterSide: 700 })).toBe(false);
});

it("what is chosen holds against what the machine seems to be", () => {
  expect([isLight({ profile: "light" }), isLight({ profile: "full" })]).toEqual([true, false]);
  expect(memoryMb({ profile: "light" })).toBeLessThan(memoryMb({ profile: "full" }) / 2);
});
