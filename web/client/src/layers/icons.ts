/** Device symbols, drawn here on a canvas: a disc of the kind's colour with a white glyph, and a plain dot for the far view. */
import type { Theme } from "../state/store";
import { deviceColor } from "../map/palette";

/** Glyphs on a 24 px square, as SVG paths that are stroked. */
export const GLYPHS: Record<string, string> = {
  camera: "M4 9h11v7H4zM15 11.5l5-2.5v7l-5-2.5M7 19h5M9.5 16v3",
  wifi_ap: "M4.5 10.5a11 11 0 0 1 15 0M7.5 13.7a6.6 6.6 0 0 1 9 0M10.4 16.8a2.4 2.4 0 0 1 3.2 0M12 18.5v.2",
  cell: "M12 11v9M8.5 20h7M9 8.2a4 4 0 0 0 0 5.6M15 8.2a4 4 0 0 1 0 5.6M6.4 5.8a7.4 7.4 0 0 0 0 10.4M17.6 5.8a7.4 7.4 0 0 1 0 10.4",
  iot_gateway: "M5 13h14v5H5zM8.5 13V6.5M15.5 13V6.5M8 15.5h3M8.5 6.5v0M6.5 8.5l2-2 2 2M13.5 8.5l2-2 2 2",
  charger: "M13 4l-6 9h5l-1 7 6-9h-5z",
  lamp: "M9 20V7a4 4 0 0 1 8 0M6.5 20h5M14 9.5h6M15.5 12.5l-.8 1.5M18.5 12.5l.8 1.5M17 9.5v4.5",
  pole: "M12 4v16M9 20h6M12 6h5l2 2-2 2h-5M12 12H8",
  display: "M4 6h16v10H4zM9 20h6M12 16v4",
  alarm: "M7 16a5 5 0 0 1 10 0zM5 19h14M12 5v3M6 7.5l1.6 1.6M18 7.5l-1.6 1.6",
  detector: "M4 12s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5zM12 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
  access_control: "M6 20V5h9v15M4 20h16M12 12.5v.5M18 9v5",
  speaker: "M5 10v4h3l5 4V6l-5 4zM16 9.5a4 4 0 0 1 0 5M18.5 7a8 8 0 0 1 0 10",
  hydrant: "M9 20V9a3 3 0 0 1 6 0v11M7 20h10M12 6V4M6 13h3M15 13h3M9 16h6",
  sensor: "M12 4v9M12 13a3.2 3.2 0 1 0 .01 0M9.5 5.5h5",
  meter: "M5 16a7 7 0 1 1 14 0M12 16l3.5-4.5M5 19h14",
  robot: "M6 9h12v9H6zM12 9V5.5M10 13v.5M14 13v.5M9.5 18v2M14.5 18v2",
  uav: "M9 12h6M6 8a2.4 2.4 0 1 0 .01 0M18 8a2.4 2.4 0 1 0 .01 0M7.5 10l3 2-3 4M16.5 10l-3 2 3 4",
  kiosk: "M7 4h10v11H7zM9.5 15L8 20h8l-1.5-5M10 7.5h4",
  locker: "M5 5h14v14H5zM12 5v14M5 12h14M9.5 8.5v.2M16.5 8.5v.2",
  vending: "M6 4h12v16H6zM6 15h12M9 7h3v5H9zM15.5 7v3",
  other: "M12 8a4 4 0 1 0 .01 0z",
};

export interface Atlas {
  image: HTMLCanvasElement;
  mapping: Record<string, { x: number; y: number; width: number; height: number; mask: boolean }>;
}

const CELL = 64;
const COLUMNS = 8;
const atlases = new Map<Theme, Atlas>();

/** Names in the mapping: a kind, "kind:dot", "kind:off" (planned, out of service). */
export function deviceAtlas(theme: Theme): Atlas {
  const known = atlases.get(theme);
  if (known) return known;
  const kinds = Object.keys(GLYPHS);
  const image = document.createElement("canvas");
  image.width = COLUMNS * CELL;
  image.height = Math.ceil((kinds.length * 3) / COLUMNS) * CELL;
  const context = image.getContext("2d");
  const mapping: Atlas["mapping"] = {};
  kinds.forEach((kind, k) => {
    ["", ":dot", ":off"].forEach((variant, v) => {
      const index = k * 3 + v;
      const x = (index % COLUMNS) * CELL;
      const y = Math.floor(index / COLUMNS) * CELL;
      mapping[kind + variant] = { x, y, width: CELL, height: CELL, mask: false };
      if (context) drawSymbol(context, x, y, kind, variant, theme);
    });
  });
  const atlas = { image, mapping };
  atlases.set(theme, atlas);
  return atlas;
}

function drawSymbol(context: CanvasRenderingContext2D, x: number, y: number, kind: string, variant: string, theme: Theme): void {
  const color = deviceColor(kind, theme);
  const paper = theme === "dark" ? "#0d141c" : "#ffffff";
  const isOff = variant === ":off";
  context.save();
  context.translate(x + CELL / 2, y + CELL / 2);
  context.beginPath();
  context.arc(0, 0, variant === ":dot" ? 22 : 26, 0, 2 * Math.PI);
  context.fillStyle = isOff ? paper : color;
  context.strokeStyle = isOff ? color : paper;
  context.lineWidth = variant === ":dot" ? 7 : 4;
  context.fill();
  context.stroke();
  if (variant !== ":dot") {
    const scale = 1.62;
    context.scale(scale, scale);
    context.translate(-12, -12);
    context.strokeStyle = isOff ? color : theme === "dark" ? "#0b1622" : "#ffffff";
    context.lineWidth = 1.9;
    context.lineCap = "round";
    context.lineJoin = "round";
    context.stroke(new Path2D(GLYPHS[kind] ?? GLYPHS.other!));
  }
  context.restore();
}

/** Events: a shape for each severity, so that colour is not all there is. */
export const EVENT_SHAPES: Record<string, string> = {
  alarm: "M12 2.5L22 20.5H2z",
  warning: "M12 1.5L22.5 12 12 22.5 1.5 12z",
  info: "M12 2a10 10 0 1 0 .01 0z",
};
export const EVENT_MARKS: Record<string, string> = {
  alarm: "M12 9v5.5M12 17.4v.1",
  warning: "M12 7v6.5M12 16.4v.1",
  info: "M12 11v6M12 7.2v.1",
};

const eventAtlases = new Map<Theme, Atlas>();

export function eventAtlas(theme: Theme, colors: Record<string, readonly number[]>): Atlas {
  const known = eventAtlases.get(theme);
  if (known) return known;
  const image = document.createElement("canvas");
  const names = Object.keys(EVENT_SHAPES);
  image.width = names.length * CELL;
  image.height = CELL;
  const context = image.getContext("2d");
  const mapping: Atlas["mapping"] = {};
  names.forEach((name, i) => {
    mapping[name] = { x: i * CELL, y: 0, width: CELL, height: CELL, mask: false };
    if (!context) return;
    const paper = theme === "dark" ? "#0d141c" : "#ffffff";
    context.save();
    context.translate(i * CELL + 6, 6);
    context.scale((CELL - 12) / 24, (CELL - 12) / 24);
    context.lineJoin = "round";
    context.lineCap = "round";
    const shape = new Path2D(EVENT_SHAPES[name]);
    context.strokeStyle = paper;
    context.lineWidth = 3.4;
    context.stroke(shape);
    context.fillStyle = `rgb(${(colors[name] ?? [0, 0, 0]).join(",")})`;
    context.fill(shape);
    context.strokeStyle = paper;
    context.lineWidth = 2.4;
    context.stroke(new Path2D(EVENT_MARKS[name]));
    context.restore();
  });
  const atlas = { image, mapping };
  eventAtlases.set(theme, atlas);
  return atlas;
}
