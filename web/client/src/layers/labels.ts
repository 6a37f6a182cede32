/** Names over buildings and in rooms: as many as there is room for, the more important first. */
import { TextLayer } from "@deck.gl/layers";

import type { Building } from "../api/types";
import { buildingName } from "../state/names";
import { FONT, type LayerContext, ON_TOP } from "./context";

/** A name with its place in the scene, to be put on the screen where nothing lies yet. */
export interface Label {
  id: string;
  text: string;
  place: [number, number, number];
}

/** A building without a name of its own needs no label. */
function isNamed(building: Building): boolean {
  const name = building.name_zh || building.name;
  return Boolean(name) && name !== building.id;
}

/** The higher a building, the more it deserves its name. */
export function buildingLabels(buildings: Building[], language: "zh" | "en", originHeight: number): Label[] {
  const key = `${language}/${originHeight}`;
  if (last?.buildings !== buildings || last.key !== key) last = { buildings, key, labels: labelled(buildings, language, originHeight) };
  return last.labels;
}

let last: { buildings: Building[]; key: string; labels: Label[] } | null = null;

function labelled(buildings: Building[], language: "zh" | "en", originHeight: number): Label[] {
  return buildings
    .filter(isNamed)
    .sort((a, b) => b.height_m - a.height_m)
    .map((building) => ({
      id: building.id,
      text: buildingName(building, language),
      place: [building.lon, building.lat, building.base_h_m + building.height_m - originHeight + 2],
    }));
}

/** Those labels of a list that were given room. */
export function labelLayer(context: LayerContext, id: string, labels: Label[], look: "pill" | "plain"): TextLayer<Label>[] {
  const { state, palette } = context;
  const shown = labels.filter((label) => context.labels.has(label.id));
  if (shown.length === 0) return [];
  return [
    new TextLayer<Label>({
      id,
      data: shown,
      getText: (label) => label.text,
      getPosition: (label) => label.place,
      getSize: (label) => (look === "pill" ? 12 : 11.5) * (context.labels.get(label.id) ?? 1),
      lineHeight: 1.3,
      fontFamily: FONT,
      fontWeight: 500,
      fontSettings: { fontSize: 32, buffer: 4 },
      getColor: [...palette.ink, 255],
      background: look === "pill",
      getBackgroundColor: palette.halo,
      backgroundBorderRadius: 5,
      backgroundPadding: [6, 3, 6, 3],
      characterSet: "auto",
      getAlignmentBaseline: look === "pill" ? "bottom" : "center",
      parameters: ON_TOP,
      updateTriggers: { getColor: state.theme, getBackgroundColor: state.theme, getSize: shown.map((label) => context.labels.get(label.id)).join() },
    }),
  ];
}

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * The labels that fit: each is put where it projects to if nothing placed before lies there.
 * `project` answers pixels and how much farther than the focus a place is, or null where a label has no business.
 */
export function placeLabels(
  labels: Label[],
  project: (place: Label["place"]) => [x: number, y: number, distance: number] | null,
  size: { width: number; height: number },
): Map<string, number> {
  const placed: Box[] = [];
  const kept = new Map<string, number>();
  for (const label of labels) {
    const at = project(label.place);
    if (!at || at[0] < 0 || at[1] < 0 || at[0] > size.width || at[1] > size.height) continue;
    const lines = label.text.split("\n");
    const width = Math.max(...lines.map(textWidth)) + 14;
    const height = 16 * lines.length + 8;
    const box = { x: at[0] - width / 2, y: at[1] - height / 2, width, height };
    if (placed.some((other) => overlaps(box, other))) continue;
    placed.push(box);
    kept.set(label.id, Math.round(at[2] * 12) / 12);
  }
  return kept;
}

/** About as wide as the text will be: a Chinese sign is as wide as it is high. [px] */
function textWidth(text: string): number {
  return [...text].reduce((sum, letter) => sum + (letter.charCodeAt(0) > 255 ? 12.5 : 6.8), 0);
}

function overlaps(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
