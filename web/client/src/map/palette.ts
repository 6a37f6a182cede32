/** The colours of the drawing in both themes; those of the panels are in styles.css. RGBA, 0 to 255. */
import type { Look, Theme } from "../state/store";

export type Rgb = [number, number, number];
export type Rgba = [number, number, number, number];

export interface Palette {
  sky: Rgb;
  ground: Rgba;
  roof: Rgb;
  wall: Rgb;
  edge: Rgba;
  shadow: Rgba;
  brand: Rgb;
  ink: Rgb;
  halo: Rgba;
  covered: Rgba;
  uncovered: Rgba;
  undecided: Rgba;
  gapFill: Rgba;
  gapLine: Rgba;
  severity: Record<string, Rgb>;
  hover: Rgba;
  /** Filled faces of a section, and the line round them. */
  cutFill: Rgba;
  cutLine: Rgba;
  ambient: number;
  sun: number;
  /** How far the tiles' own colours give way to roof and wall. */
  paintBuildings: number;
  paintModels: number;
}

const light: Palette = {
  sky: [238, 241, 244],
  ground: [238, 241, 244, 255],
  roof: [250, 251, 252],
  wall: [205, 212, 220],
  edge: [120, 132, 146, 150],
  shadow: [40, 58, 80, 34],
  brand: [11, 107, 203],
  ink: [23, 33, 43],
  halo: [255, 255, 255, 235],
  covered: [20, 163, 184, 135],
  uncovered: [229, 72, 77, 90],
  undecided: [199, 119, 0, 120],
  gapFill: [229, 72, 77, 61],
  gapLine: [200, 50, 43, 255],
  severity: { info: [11, 107, 203], warning: [199, 119, 0], alarm: [200, 50, 43] },
  hover: [11, 107, 203, 70],
  cutFill: [104, 116, 130, 255],
  cutLine: [38, 50, 64, 230],
  ambient: 0.8,
  sun: 0.235,
  paintBuildings: 1,
  paintModels: 0.55,
};

const dark: Palette = {
  sky: [13, 20, 28],
  ground: [16, 24, 33, 255],
  roof: [92, 112, 134],
  wall: [66, 83, 102],
  edge: [150, 172, 196, 110],
  shadow: [0, 0, 0, 90],
  brand: [74, 168, 255],
  ink: [231, 238, 245],
  halo: [13, 20, 28, 225],
  covered: [40, 190, 210, 120],
  uncovered: [255, 95, 88, 95],
  undecided: [255, 180, 84, 120],
  gapFill: [255, 95, 88, 69],
  gapLine: [255, 120, 110, 255],
  severity: { info: [74, 168, 255], warning: [255, 180, 84], alarm: [255, 107, 97] },
  hover: [74, 168, 255, 80],
  cutFill: [158, 176, 196, 255],
  cutLine: [226, 236, 246, 220],
  ambient: 0.8,
  sun: 0.26,
  paintBuildings: 1,
  paintModels: 0.72,
};

export function palette(theme: Theme): Palette {
  return theme === "dark" ? dark : light;
}

export function unit(color: readonly number[]): number[] {
  return color.map((value) => value / 255);
}

/** Viridis at 0, 0.125 … 1 (van der Walt and Smith 2015); straight lines between. */
const VIRIDIS: Rgb[] = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
];

export function viridis(share: number): Rgb {
  const at = Math.max(0, Math.min(1, Number.isFinite(share) ? share : 0)) * (VIRIDIS.length - 1);
  const i = Math.min(VIRIDIS.length - 2, Math.floor(at));
  const f = at - i;
  const [a, b] = [VIRIDIS[i]!, VIRIDIS[i + 1]!];
  return [0, 1, 2].map((k) => Math.round(a[k]! + (b[k]! - a[k]!) * f)) as Rgb;
}

/** What became of an element between two versions: the colours of pass, fail and undecided. */
const CHANGE_COLORS: Record<Look, [Rgb, Rgb]> = {
  added: [[29, 138, 91], [60, 207, 145]],
  removed: [[200, 50, 43], [255, 107, 97]],
  changed: [[199, 119, 0], [255, 180, 84]],
};

export function changeColor(look: Look, theme: Theme): Rgb {
  return CHANGE_COLORS[look][theme === "dark" ? 1 : 0];
}

const KIND_COLORS: Record<string, [string, string]> = {
  camera: ["#0b6bcb", "#4aa8ff"],
  wifi_ap: ["#1484b8", "#45b9ea"],
  cell: ["#624abe", "#a391ff"],
  iot_gateway: ["#42638c", "#8fb0d8"],
  charger: ["#168a6c", "#43cfa6"],
  lamp: ["#a87f12", "#e8c55a"],
  pole: ["#5f6b78", "#a3b2c2"],
  display: ["#9654a0", "#d493de"],
  alarm: ["#b0463c", "#f08a80"],
  detector: ["#ba6232", "#eea274"],
  access_control: ["#406e68", "#85beb5"],
  speaker: ["#78643c", "#c4ad7c"],
  hydrant: ["#be3c28", "#f5836f"],
  sensor: ["#2f7f93", "#6cc3d6"],
  meter: ["#5a6e82", "#9db3c9"],
  robot: ["#146ea0", "#57b1e3"],
  uav: ["#1e5ab4", "#6ea3f5"],
  kiosk: ["#6e5a8c", "#b7a2d6"],
  locker: ["#5e6670", "#a9b2bd"],
  vending: ["#8c6458", "#d3a698"],
  other: ["#5f6b78", "#a3b2c2"],
};

export function deviceColor(kind: string, theme: Theme): string {
  const pair = KIND_COLORS[kind] ?? KIND_COLORS.other!;
  return theme === "dark" ? pair[1] : pair[0];
}

export function parseHex(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** Pale tints of rooms by use; an unknown use has the colour of paper. */
const USES: [RegExp, Rgb][] = [
  [/office|办公|工位|open.?plan|staff|bureau/i, [198, 219, 240]],
  [/meeting|会议|conference|seminar|training|培训|class|教室/i, [215, 205, 239]],
  [/corridor|走廊|走道|hall|circulation|过道|passage|flur/i, [234, 237, 241]],
  [/lobby|大厅|门厅|foyer|entrance|vestibule|reception|前台|atrium/i, [250, 232, 200]],
  [/stair|楼梯|lift|elevator|电梯|escalator/i, [221, 226, 232]],
  [/toilet|卫生间|洗手间|wc|rest ?room|bath|shower|washroom|厕所|淋浴/i, [196, 231, 236]],
  [/plant|机房|设备|mechanical|electrical|配电|泵房|server|utility|technical|shaft|管井|强电|弱电/i, [230, 216, 204]],
  [/lab|实验|研发|research|workshop|车间|production/i, [201, 232, 213]],
  [/storage|库房|仓库|store|archive|档案|closet/i, [226, 224, 208]],
  [/kitchen|厨房|canteen|食堂|餐|dining|cafe|pantry|茶水|break/i, [250, 216, 196]],
  [/parking|车库|garage|停车/i, [217, 221, 228]],
  [/bed|living|卧室|客厅|宿舍|apartment|room/i, [240, 224, 214]],
];

export function roomTint(use: string, theme: Theme): Rgba {
  const tint = USES.find(([pattern]) => pattern.test(use))?.[1] ?? ([238, 234, 226] as Rgb);
  if (theme === "light") return [...tint, 255];
  return [Math.round(tint[0] * 0.3), Math.round(tint[1] * 0.32), Math.round(tint[2] * 0.36), 255];
}
