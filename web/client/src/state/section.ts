/** Cutting the park open: where a section begins, and changing it. */
import { contains, outlines } from "../map/outlines";
import { type Section, type Vector, fromText, metresFrom, toText } from "../section/section";
import { get, set } from "./store";

const ROUND_M = 30; // half the side of a box about a place that belongs to no building
const MARGIN_M = 1;

/** What a new section is put about: the building that is looked at or chosen, else a place. */
interface Subject {
  at: Vector;
  half: Vector;
  turn: number;
}

/** Begins a section of a kind about what is chosen, or about where one looks. */
export function beginSection(kind: Section["kind"], looked: readonly [number, number]): void {
  const { at, half, turn } = subject(looked);
  set({ section: kind === "box" ? { kind, at, half, turn } : { kind, at, azimuth: (turn + 180) % 360, tilt: 0 }, isSectionOpen: true });
}

export function changeSection(section: Section): void {
  set({ section });
}

export function endSection(): void {
  set({ section: null });
}

export function openSectionPanel(isOpen: boolean): void {
  set({ isSectionOpen: isOpen });
}

function subject(looked: readonly [number, number]): Subject {
  const { buildings, buildingId, selection, park } = get();
  const id = selection?.type === "building" ? selection.id : buildingId;
  const building = buildings.find((one) => one.id === id) ?? buildings.find((one) => contains(one.footprint, looked));
  const ring = building ? outlines(building.footprint)[0]?.[0] : undefined;
  if (!building || !ring?.length) {
    const h = park?.origin[2] ?? 0;
    return { at: [looked[0], looked[1], h + ROUND_M / 2], half: [ROUND_M, ROUND_M, ROUND_M / 2 + MARGIN_M], turn: 0 };
  }
  const middle: Vector = [building.lon, building.lat, building.base_h_m + building.height_m / 2];
  const points = ring.map((corner) => metresFrom(middle, [corner[0]!, corner[1]!, middle[2]]));
  const box = boxAlong(points, longestSide(points));
  const degrees = metresFrom(middle, [middle[0] + 1e-5, middle[1] + 1e-5, middle[2]]);
  const at: Vector = [middle[0] + (box.middle[0] / degrees[0]) * 1e-5, middle[1] + (box.middle[1] / degrees[1]) * 1e-5, middle[2]];
  return { at, half: [box.half[0] + MARGIN_M, box.half[1] + MARGIN_M, building.height_m / 2 + MARGIN_M], turn: box.turn };
}

/** The direction of the longest side, clockwise from north, within a quarter turn. [rad] */
function longestSide(points: Vector[]): number {
  let longest = 0;
  let angle = 0;
  points.forEach(([x, y], i) => {
    const [px, py] = points[(i + points.length - 1) % points.length]!;
    const length = Math.hypot(x - px, y - py);
    if (length <= longest) return;
    longest = length;
    angle = Math.atan2(x - px, y - py);
  });
  const quarter = Math.PI / 2;
  return ((angle % quarter) + quarter) % quarter;
}

function boxAlong(points: Vector[], turn: number): { middle: [number, number]; half: [number, number]; turn: number } {
  const [s, c] = [Math.sin(turn), Math.cos(turn)];
  const across = points.map(([x, y]) => x * c - y * s);
  const along = points.map(([x, y]) => x * s + y * c);
  const range = (values: number[]): [number, number] => [Math.min(...values), Math.max(...values)];
  const [[u0, u1], [v0, v1]] = [range(across), range(along)];
  const [u, v] = [(u0 + u1) / 2, (v0 + v1) / 2];
  return { middle: [u * c + v * s, -u * s + v * c], half: [(u1 - u0) / 2, (v1 - v0) / 2], turn: (turn * 180) / Math.PI };
}

const PARAMETER = "section";

/** The section that an address asks for. */
export function sectionOf(search: string): Section | null {
  return fromText(new URLSearchParams(search).get(PARAMETER));
}

/** An address with the section in it, or without one. */
export function withSection(address: string, section: Section | null): string {
  const [before = "", hash] = address.split("#");
  const [path = "", query = ""] = before.split("?");
  const others = query.split("&").filter((part) => part && !part.startsWith(`${PARAMETER}=`));
  const all = section ? [...others, `${PARAMETER}=${toText(section)}`] : others;
  return `${path}${all.length ? `?${all.join("&")}` : ""}${hash === undefined ? "" : `#${hash}`}`;
}
