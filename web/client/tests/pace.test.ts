import type { Deck } from "@deck.gl/core";
import { afterEach, expect, test, vi } from "vitest";

import { Pace, isFrameDue, unloaded } from "../src/map/pace";

function deckWith(layers: unknown[], update: string | false = false) {
  const drawn: string[] = [];
  const deck = {
    props: { layers },
    drawn,
    _needsRedraw: false as string | false,
    _drawLayers: (reason: string) => drawn.push(reason),
    layerManager: { needsUpdate: () => update },
    needsRedraw: () => deck._needsRedraw,
  };
  return deck as unknown as Deck & { drawn: string[] };
}

afterEach(() => vi.restoreAllMocks());

test("half pictures are put off, the whole one is drawn at once", () => {
  const clock = vi.spyOn(performance, "now").mockReturnValue(1000);
  const deck = deckWith([]);
  const pace = new Pace();
  pace.open();
  pace.paint(deck, "first", false);
  clock.mockReturnValue(1200);
  pace.paint(deck, "half", false);
  expect(deck.drawn).toEqual(["first"]);
  expect(isFrameDue(deck)).toBe(true);
  pace.paint(deck, "whole", true);
  clock.mockReturnValue(1210);
  pace.paint(deck, "moved", false);
  expect(deck.drawn).toEqual(["first", "whole", "moved"]);
});

test("a picture that never becomes whole is drawn all the same", () => {
  const clock = vi.spyOn(performance, "now").mockReturnValue(1000);
  const deck = deckWith([]);
  const pace = new Pace();
  pace.open();
  pace.paint(deck, "first", false);
  clock.mockReturnValue(1700);
  pace.paint(deck, "half", false);
  clock.mockReturnValue(7100);
  pace.paint(deck, "late", false);
  pace.paint(deck, "next", false);
  expect(deck.drawn).toEqual(["first", "half", "late", "next"]);
});

test("layers that are not loaded are named; a frame is due while layers wait for an update", () => {
  expect(unloaded(deckWith([{ id: "a", isLoaded: false }, null, { id: "b", isLoaded: true }, { id: "c" }]))).toEqual(["a"]);
  expect(isFrameDue(deckWith([]))).toBe(false);
  expect(isFrameDue(deckWith([], "asked"))).toBe(true);
});
