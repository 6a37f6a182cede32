import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { en } from "../src/i18n/en";
import { zh } from "../src/i18n/zh";

type Tree = { [key: string]: string | Tree };

function paths(tree: Tree, prefix = ""): Map<string, string> {
  const out = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === "string") out.set(prefix + key, value);
    else for (const [path, text] of paths(value, `${prefix}${key}.`)) out.set(path, text);
  }
  return out;
}

const chinese = paths(zh as unknown as Tree);
const english = paths(en as unknown as Tree);

/** Words that are the same in both languages: names of things, units, and the switch to the other language. */
const SHARED = new Set([
  "brand", "title", "top.language", "top.languageShort", "detail.globalId", "empty.command", "scorecard.of", "scorecard.range", "answer.height",
  "unit.m2", "unit.count", "unit.share", "attribute.eirp_dbm", "attribute.ssid",
]); // prettier-ignore

describe("the two languages", () => {
  it("say the same things", () => {
    expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort());
  });

  it("fill in the same values", () => {
    const holes = (text: string): string[] => [...text.matchAll(/{{(\w+)}}/g)].map((match) => match[1]!).sort();
    for (const [path, text] of chinese) expect(holes(english.get(path)!), path).toEqual(holes(text));
  });

  it("leave no English word in the Chinese and no Chinese in the English", () => {
    for (const [path, text] of chinese) {
      if (SHARED.has(path)) continue;
      const words = text.replace(/{{\w+}}|Wi-Fi|EIRP|SSID|IEEE TGax|COST|ITU-R|Okumura-Hata|Esc|Shift|WebGL|GlobalId|Parktwin|\bS\b|\bW A S D\b|\bm\b/g, "");
      expect(words, path).not.toMatch(/[A-Za-z]{2,}/);
    }
    for (const [path, text] of english) if (!SHARED.has(path)) expect(text, path).not.toMatch(/[一-鿿]/);
  });
});

/** Every key that the code asks for by a plain string. */
function usedKeys(folder: string): Set<string> {
  const used = new Set<string>();
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !/\.tsx?$/.test(entry.name)) continue;
    const text = readFileSync(join(entry.parentPath, entry.name), "utf8");
    for (const match of text.matchAll(/\bt\(\s*"([\w.]+)"/g)) used.add(match[1]!);
  }
  return used;
}

it("every sentence the page asks for exists", () => {
  for (const key of usedKeys(join(import.meta.dirname, "..", "src"))) expect(chinese.has(key), key).toBe(true);
});
