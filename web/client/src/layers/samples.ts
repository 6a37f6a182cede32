/** The values behind an answer: their range, and which of them are drawn. */
import type { Samples, Storey } from "../api/types";

/** The lowest and highest finite value. */
export function valueRange(values: (number | null)[]): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}

/** Values far beyond the rest would flatten the ramp: it ends at this many times the threshold. */
export function rampRange(samples: Samples): [number, number] {
  const [low, high] = valueRange(samples.value);
  const { threshold } = samples;
  if (threshold === null || threshold <= 0) return [low, high];
  return [Math.max(low, 0), Math.min(high, threshold * 4)];
}

/** Which samples are drawn: those of the storey that is looked at, and under gaps only what they leave. */
export function shownSamples(samples: Samples, mode: "state" | "value", hasGaps: boolean, storey: Storey | null): Uint32Array {
  const low = storey ? storey.base_h_m - 0.5 : -Infinity;
  const high = storey ? storey.base_h_m + Math.max(2.2, storey.height_m ?? 3) : Infinity;
  const kept: number[] = [];
  for (let i = 0; i < samples.lon.length; i++) {
    const h = samples.h[i]!;
    if (h < low || h > high) continue;
    if (mode === "state" && hasGaps && samples.state[i] === 0) continue;
    kept.push(i);
  }
  return Uint32Array.from(kept);
}
