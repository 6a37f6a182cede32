/** Small drawings of the panels; decorative, so they are hidden from readers. */
import type { ReactNode } from "react";

const PATHS = {
  search: "M10.5 4a6.5 6.5 0 1 0 .01 0M15.3 15.3L20 20",
  close: "M6 6l12 12M18 6L6 18",
  left: "M14 6l-6 6 6 6",
  right: "M10 6l6 6-6 6",
  down: "M6 10l6 6 6-6",
  sun: "M12 8a4 4 0 1 0 .01 0M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z",
  home: "M4 11l8-7 8 7M6 9.5V20h12V9.5",
  cube: "M12 3l8 4.5v9L12 21l-8-4.5v-9zM12 12l8-4.5M12 12L4 7.5M12 12v9",
  plan: "M4 5h16v14H4zM4 12h7M11 5v9M15 19v-6h5",
  walk: "M13 4.2a1.3 1.3 0 1 0 .01 0M12 8.5l-3 3v3M12 8.5l1.2 5.5L16 20M13.2 14L9 20M12.5 9.5l4 3",
  below: "M3 8h18M7 12h10M9 16h6M11 20h2",
  layers: "M12 4l9 4.5-9 4.5-9-4.5zM4.5 12.5L12 16.3l7.5-3.8M4.5 16L12 19.8 19.5 16",
  bell: "M6 16v-5a6 6 0 0 1 12 0v5l1.5 2h-15zM10 20.5h4",
  target: "M12 7a5 5 0 1 0 .01 0M12 2.5V6M12 18v3.5M2.5 12H6M18 12h3.5",
  eyeOff: "M4 4l16 16M9.5 5.6A9.6 9.6 0 0 1 12 5.3c6 0 9.5 6.7 9.5 6.7a17 17 0 0 1-3 3.7M6.3 7.4A16 16 0 0 0 2.5 12s3.5 6.7 9.5 6.7a9 9 0 0 0 4-.9",
  isolate: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5M9 9h6v6H9z",
  copy: "M9 9h10v10H9zM15 9V5H5v10h4",
  check: "M5 12.5l4.5 4.5L19 7.5",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  north: "M12 3l5 17-5-4-5 4z",
  info: "M12 3a9 9 0 1 0 .01 0M12 11v6M12 7.5v.2",
  fan: "M4 19L12 5l8 14a17 17 0 0 1-16 0z",
  turn: "M4 12a8 8 0 1 0 2.6-5.9M4 4v5h5M12 8v4l3 2",
  undo: "M8 5L4 9l4 4M4 9h10a5.5 5.5 0 0 1 0 11h-4",
  up: "M6 14l6-6 6 6",
  section: "M4 8l8-4 8 4v8l-8 4-8-4zM4 16l16-8M4 11l5-2.5M4 13.5l10-5M8 18l12-6",
  refresh: "M19 12a7 7 0 1 1-2-5M19 4v4h-4",
} as const;
export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }): ReactNode {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

const VERDICT_SHAPES: Record<string, string> = {
  pass: "M3 8.5l3.4 3.4L13 4.6",
  partial: "M8 2.5a5.5 5.5 0 1 0 .01 0zM8 2.5v11a5.5 5.5 0 0 0 0-11",
  fail: "M4 4l8 8M12 4l-8 8",
  undecided: "M2.5 9.5c1.8-3.4 3.6-3.4 5.4-1.5s3.8 1.8 5.6-1.5",
  not_applicable: "M3 8h10",
  not_measured: "M8 3a5 5 0 1 0 .01 0z",
};

export function VerdictShape({ verdict }: { verdict: string }): ReactNode {
  return (
    <svg className={`verdict-shape ${verdict === "partial" ? "is-filled" : ""}`} width="12" height="12" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={VERDICT_SHAPES[verdict] ?? VERDICT_SHAPES.not_measured} />
    </svg>
  );
}
