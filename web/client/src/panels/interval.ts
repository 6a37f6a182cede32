/** Where things lie on the bar of an answer, in percent of its width. */

export interface Interval {
  value: number;
  lower: number;
  upper: number;
  threshold: number | null;
}

export interface BarPlaces {
  value: number;
  low: number;
  high: number;
  threshold: number | null;
}

const LEAST_BAND = 0.6; // a narrower band could not be seen

/** Shares fill the bar from 0 to 1; other values leave room past the largest of them. */
export function barPlaces({ value, lower, upper, threshold }: Interval, isShare: boolean): BarPlaces {
  const end = isShare ? Math.max(1, value, upper, threshold ?? 0) : Math.max(value, upper, threshold ?? 0, 1e-9) * 1.15;
  const place = (number: number): number => Math.max(0, Math.min(100, (number / end) * 100));
  const [low, high] = [place(lower), place(upper)];
  const missing = Math.max(0, LEAST_BAND - (high - low)) / 2;
  return {
    value: place(value),
    low: Math.max(0, low - missing),
    high: Math.min(100, high + missing),
    threshold: threshold === null ? null : place(threshold),
  };
}

export type SimpleVerdict = "pass" | "fail" | "undecided";

/** What a value with bounds says of a threshold that asks for at least as much. */
export function verdictOf({ lower, upper, threshold }: Interval): SimpleVerdict | null {
  if (threshold === null) return null;
  if (lower >= threshold) return "pass";
  return upper < threshold ? "fail" : "undecided";
}
