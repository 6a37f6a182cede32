import { describe, expect, it } from "vitest";

import { inLanguage } from "../src/i18n/bilingual";
import { formatAmount, formatDate, formatLonLat, formatQuantity, formatTime, formatValue, unitOfName } from "../src/i18n/format";
import { preferredLanguage } from "../src/i18n";
import { preferredTheme } from "../src/app/theme";
import { waitBefore } from "../src/api/live";
import { numberOf } from "../src/state/measure";
import { scaleBar } from "../src/panels/StatusBar";

describe("values", () => {
  it("are percent with two digits where they are shares", () => {
    expect(formatValue(0.16134, "1", "zh")).toEqual({ number: "16.13", unit: "%" });
    expect(formatValue(1, "1", "en")).toEqual({ number: "100.00", unit: "%" });
  });

  it("carry the unit they have", () => {
    expect(formatValue(-92.4, "dbm", "en")).toEqual({ number: "-92.4", unit: "dBm" });
    expect(formatQuantity(4812.3, "m2", "en")).toBe("4,812 m²");
    expect(formatQuantity(3, "count", "zh")).toBe("3 个");
    expect(formatAmount(0.126, "en")).toBe("0.13");
    expect(unitOfName("range_m")).toBe("m");
    expect(unitOfName("operator")).toBe("");
  });

  it("place things on the globe with their hemisphere", () => {
    expect(formatLonLat(-3.35676, 47.749137)).toBe("3.35676° W  47.74914° N");
  });

  it("give the day only where it is another", () => {
    const now = new Date(2026, 10, 20, 15, 0, 0).getTime();
    expect(formatTime(new Date(2026, 10, 20, 14, 30, 5).toISOString(), "zh", now)).toBe("14:30:05");
    expect(formatTime(new Date(2026, 10, 19, 14, 30, 5).toISOString(), "zh", now)).toContain("19");
  });
});

describe("names in two languages", () => {
  it("give the part of the page's language", () => {
    expect(inLanguage("大堂 Entrance lobby", "zh")).toBe("大堂");
    expect(inLanguage("大堂 Entrance lobby", "en")).toBe("Entrance lobby");
    expect(inLanguage("Partition, glass 24 隔墙·玻璃24", "en")).toBe("Partition, glass 24");
  });

  it("stay whole where there is one language", () => {
    expect(inLanguage("云溪大厦", "en")).toBe("云溪大厦");
    expect(inLanguage("Wall 240", "zh")).toBe("Wall 240");
    expect(inLanguage("1号楼 A", "zh")).toBe("1号楼 A");
  });
});

describe("preferences", () => {
  it("put Chinese first for Chinese browsers and follow what was chosen", () => {
    expect(preferredLanguage(["zh-TW", "en"], null)).toBe("zh");
    expect(preferredLanguage(["de-DE"], null)).toBe("en");
    expect(preferredLanguage(["de-DE"], "zh")).toBe("zh");
    expect(preferredLanguage([], null)).toBe("zh");
    expect(preferredTheme(null, true)).toBe("dark");
    expect(preferredTheme("light", true)).toBe("light");
  });
});

it("a lost connection is tried again, more and more slowly", () => {
  expect([0, 1, 2, 9].map(waitBefore)).toEqual([1000, 2000, 4000, 30_000]);
});

it("a threshold is the number it stands for", () => {
  expect(numberOf(0.9)).toBe(0.9);
  expect(numberOf("≥ 95 %")).toBe(0.95);
  expect(numberOf({ value: "0.9" })).toBe(0.9);
  expect(numberOf(null)).toBeNull();
});

it("a scale bar is a round length that fits", () => {
  expect(scaleBar(0.53)).toEqual({ metres: 50, pixels: 50 / 0.53 });
  expect(scaleBar(0.95).metres).toBe(100);
});

it("a date has day and minute, and what is no date stays as it is", () => {
  const noon = new Date(2026, 2, 1, 12, 5).toISOString();
  expect(formatDate(noon, "en")).toBe("01/03/26 12:05");
  expect(formatDate(noon, "zh")).toBe("26/03/01 12:05");
  expect(formatDate("yesterday", "en")).toBe("yesterday");
});
