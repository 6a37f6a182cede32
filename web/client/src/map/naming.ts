/** Which names are on the map: those that could be, and those that have room now. */
import type { Viewport } from "@deck.gl/core";

import { roomLabels } from "../layers/interior";
import { type Label, buildingLabels, placeLabels } from "../layers/labels";
import { isLight } from "../state/profile";
import type { State } from "../state/store";
import { metresPerPixel } from "./earth";
import type { Camera } from "./views";

const FEW = 14; // names on a light drawing
const UP_TO_M = 2.6; // a pixel; smaller scales show the park as a whole

export interface Names {
  buildings: Label[];
  rooms: Label[];
}

/** All that could be named now: the buildings, or the rooms of the storey that is looked at. */
export function candidates(state: State): Names {
  const originHeight = state.park?.origin[2] ?? 0;
  const storey = state.storeys.find((one) => one.id === state.storeyId);
  const isOverview = storey === undefined && state.cameraMode !== "walk" && state.cameraMode !== "underground";
  return {
    buildings: isOverview && !state.hidden.has("buildings") ? buildingLabels(state.buildings, state.language, originHeight).slice(0, isLight(state) ? FEW : undefined) : [],
    rooms: roomLabels(storey, originHeight, state.language),
  };
}

/** The names that have room, and how much perspective would shrink each. */
export function placedNames(names: Names, viewport: Viewport, camera: Camera): Map<string, number> {
  if (metresPerPixel(camera.zoom, camera.latitude) > UP_TO_M) return new Map();
  return placeLabels([...names.rooms, ...names.buildings], (place) => projected(viewport, place), viewport);
}

export function isSame(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  return a.size === b.size && [...a].every(([id, size]) => b.get(id) === size);
}

function projected(viewport: Viewport, place: Label["place"]): [number, number, number] | null {
  const [x = 0, y = 0, depth = 0] = viewport.project(place);
  if (depth >= 1 || depth <= -1) return null;
  const [px, py, pz] = viewport.projectPosition(place);
  const m = viewport.viewProjectionMatrix;
  const w = m[3]! * px + m[7]! * py + m[11]! * pz + m[15]!;
  return [x, y, w / (viewport.focalDistance || 1)];
}
