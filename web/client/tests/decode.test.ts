import { expect, it } from "vitest";

import { decodeWith } from "../src/tiles/decode";

/** A worker that answers when it is told to. */
class Slow {
  static made: Slow[] = [];
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: ((event: { message: string; preventDefault(): void }) => void) | null = null;
  given: ArrayBuffer | null = null;
  isGone = false;
  constructor() {
    Slow.made.push(this);
  }
  postMessage(buffer: ArrayBuffer): void {
    this.given = buffer;
  }
  terminate(): void {
    this.isGone = true;
  }
  answer(data: unknown): void {
    this.onmessage?.({ data });
  }
}
const buffer = (size: number): ArrayBuffer => new ArrayBuffer(size);

it("tiles go to whichever worker is free, and no more workers are started than are wanted", async () => {
  Slow.made = [];
  const decode = decodeWith(() => new Slow() as unknown as Worker, 2);
  const answers = [decode(buffer(1)), decode(buffer(2)), decode(buffer(3))];
  expect(Slow.made.map((worker) => worker.given?.byteLength)).toEqual([1, 2]);
  Slow.made[1]!.answer({ parsed: "two" });
  expect(Slow.made[1]!.given?.byteLength).toBe(3);
  Slow.made[1]!.answer({ error: "broken" });
  Slow.made[0]!.answer({ parsed: "one" });
  expect(await answers[0]).toBe("one");
  expect(await answers[1]).toBe("two");
  await expect(answers[2]).rejects.toThrow("broken");
  const later = decode(buffer(4));
  expect(Slow.made.length).toBe(2);
  Slow.made.find((worker) => worker.given?.byteLength === 4)!.answer({ parsed: "four" });
  expect(await later).toBe("four");
});

it("a worker that dies costs its own tile only", async () => {
  Slow.made = [];
  const decode = decodeWith(() => new Slow() as unknown as Worker, 1);
  const answers = [decode(buffer(1)), decode(buffer(2))];
  const rejected = expect(answers[0]).rejects.toThrow("out of memory");
  Slow.made[0]!.onerror?.({ message: "out of memory", preventDefault: () => undefined });
  await rejected;
  expect(Slow.made[0]!.isGone).toBe(true);
  expect(Slow.made[1]!.given?.byteLength).toBe(2);
  Slow.made[1]!.answer({ parsed: "two" });
  expect(await answers[1]).toBe("two");
});
