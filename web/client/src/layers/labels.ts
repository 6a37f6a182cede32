/** Names over buildings: as many as there is room for, the larger first. */
import { TextLayer } from "@deck.gl/layers";

import type { Building } from "../api/types";
import { FONT, type LayerContext, ON_TOP } from "./context";

/** Both languages where both are known; the one of the page first. */
export function buildingName(building: Building, language: "zh" | "en"): string {
  return (language === "zh" ? building.name_zh || building.name : building.name || building.name_zh) || building.id;
}

/** A building without a name of its own needs no label. */
export function isNamed(building: Building): boolean {
  const name = building.name_zh || building.name;
  return Boolean(name) && name !== building.id;
}

export function labelLayers(context: LayerContext): TextLayer<Building>[] {
  const { state, palette, originHeight, labels } = context;
  const isHidden = state.hidden.has("buildings") || state.cameraMode === "walk" || state.storeyId !== null;
  const data = isHidden ? [] : named(state.buildings);
  if (data.length === 0) return [];
  return [new TextLayer<Building>({
    id: "labels/buildings",
    data,
    getText: (building) => buildingName(building, state.language),
    getPosition: (building) => [building.lon, building.lat, building.base_h_m + building.height_m - originHeight + 2],
    getSize: (building) => (labels.has(building.id) ? 12.5 : 0),
    fontFamily: FONT,
    fontWeight: 500,
    fontSettings: { sdf: true, fontSize: 40, buffer: 6 },
    getColor: [...palette.ink, 225],
    outlineColor: palette.halo,
    outlineWidth: 3,
    characterSet: "auto",
    getAlignmentBaseline: "bottom",
    parameters: ON_TOP,
    updateTriggers: { getText: state.language, getSize: labels, getColor: state.theme, getPosition: originHeight },
  })];
}

const cache = new WeakMap<Building[], Building[]>();

export function named(buildings: Building[]): Building[] {
  const known = cache.get(buildings);
  if (known) return known;
  const found = buildings.filter(isNamed).sort((a, b) => b.height_m - a.height_m);
  cache.set(buildings, found);
  return found;
}

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * The labels that fit: each is put where it projects to if nothing placed before lies there.
 * `project` answers pixels, or null behind the eye.
 */
export function placeLabels(
  buildings: Building[],
  language: "zh" | "en",
  project: (building: Building) => [number, number] | null,
  size: { width: number; height: number },
): Set<string> {
  const placed: Box[] = [];
  const kept = new Set<string>();
  for (const building of buildings) {
    const at = project(building);
    if (!at || at[0] < 0 || at[1] < 0 || at[0] > size.width || at[1] > size.height) continue;
    const name = buildingName(building, language);
    const width = [...name].reduce((sum, letter) => sum + (letter.charCodeAt(0) > 255 ? 13 : 7), 8);
    const box = { x: at[0] - width / 2, y: at[1] - 18, width, height: 22 };
    if (placed.some((other) => overlaps(box, other))) continue;
    placed.push(box);
    kept.add(building.id);
  }
  return kept;
}

function overlaps(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
