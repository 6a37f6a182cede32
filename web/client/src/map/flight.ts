/** Getting the camera to things. */
import type { LonLatH, Storey } from "../api/types";
import { chooseStorey, openBuilding, sortStoreys } from "../state/selection";
import { get, set } from "../state/store";
import { contains, outlines } from "./outlines";
import { distance, metresPerPixel, offset, zoomFor } from "./earth";
import type { ParkMap } from "./engine";
import type { Camera } from "./views";

const NARROW_PX = 720; // up to here panels lie over each other, not beside the map
const HOME_WIDTH_PX = 1000; // the window the server's first view is made for
const HOME_HEIGHT_PX = 640;
const ABOVE_SHEET = 0.29; // of the window's height, between the top bar and the sheet
const TILTED = 1.04; // seen aslant, a park takes less height

let map: ParkMap | null = null;
const waiting = new Set<(handle: ParkMap) => void>();

export function setMap(handle: ParkMap | null): void {
  map = handle;
  if (handle) for (const listener of waiting) listener(handle);
}

/** Resolves when there is a map to fly over. */
export function whenMap(): Promise<void> {
  if (map) return Promise.resolve();
  return new Promise((resolve) => {
    const once = (): void => {
      waiting.delete(once);
      resolve();
    };
    waiting.add(once);
  });
}

/** Follows the camera from when there is a map; answers how to stop. */
export function followCamera(listener: (camera: Camera) => void): () => void {
  let stop: (() => void) | undefined;
  const begin = (handle: ParkMap): void => {
    stop?.();
    stop = handle.subscribe(listener);
  };
  if (map) begin(map);
  waiting.add(begin);
  return () => {
    waiting.delete(begin);
    stop?.();
  };
}

/** Above the sheet that lies over the lower part of a narrow window, a place that is worked on is moved into view. */
export function bringIntoSight([lon, lat, h]: LonLatH): void {
  const { width, height } = map?.size() ?? { width: 0, height: 0 };
  if (!map || width >= NARROW_PX) return;
  const free = map.unproject(width / 2, height * ABOVE_SHEET, h);
  if (!free) return;
  const { longitude, latitude } = map.camera();
  map.flyTo({ longitude: longitude + lon - free[0], latitude: latitude + lat - free[1] });
}

/** What panels cover at the left and right. [px] */
function covered(): { left: number; right: number } {
  const { isLeftOpen, role, selection, buildingId, storeys, isRightOpen } = get();
  if ((map?.size().width ?? 0) < NARROW_PX) return { left: 0, right: 0 };
  const panel = isRightOpen && (selection !== null || role !== "manage") ? (selection === null && role === "evaluate" ? 464 : 368) : 0;
  return { left: isLeftOpen ? 276 : 60, right: panel + (buildingId && storeys.length ? 62 : 0) };
}

/** The width that panels leave free. */
function freeWidth(): number {
  const { width } = map?.size() ?? { width: 1200 };
  const { left, right } = covered();
  return Math.max(320, width - left - right);
}

/** Where the camera must look so that a place stands in the middle of what panels leave free. */
function lookAt(lon: number, lat: number, zoom: number, bearing: number): { longitude: number; latitude: number } {
  const { left, right } = covered();
  const metres = ((right - left) / 2) * metresPerPixel(zoom, lat);
  const angle = (bearing * Math.PI) / 180;
  const [longitude, latitude] = offset(lon, lat, metres * Math.cos(angle), -metres * Math.sin(angle));
  return { longitude, latitude };
}

/** Flies so that `metres` round the place fill what the panels leave free. */
export function flyToPlace([lon, lat, h]: LonLatH, metres = 90, pitch = 55): void {
  if (!map) return;
  const { park, cameraMode } = get();
  const own = h - (park?.origin[2] ?? 0);
  const z = get().storeyId || cameraMode === "underground" ? own : Math.max(own, map.groundAt(lon, lat));
  if (cameraMode === "walk") set({ cameraMode: "overview" });
  const zoom = Math.min(22, zoomFor(metres * 2, Math.min(freeWidth(), map.size().height), lat));
  const isPlan = cameraMode === "plan";
  const bearing = isPlan ? 0 : map.camera().bearing;
  map.flyTo({ ...lookAt(lon, lat, zoom, bearing), zoom, pitch: isPlan ? 0 : pitch, bearing, position: [0, 0, z] });
}

export function flyHome(isInstant = false): void {
  const { park, cameraMode } = get();
  if (!park || !map) return;
  if (cameraMode === "walk" || cameraMode === "underground") set({ cameraMode: "overview" });
  const { longitude, latitude, zoom, pitch, bearing } = park.home;
  const isPlan = get().cameraMode === "plan";
  const fit = Math.min(freeWidth() / HOME_WIDTH_PX, map.size().height / HOME_HEIGHT_PX) * (isPlan ? 1 : TILTED);
  const own = { zoom: zoom + Math.log2(fit), pitch: isPlan ? 0 : pitch, bearing: isPlan ? 0 : bearing };
  map.flyTo({ ...own, ...lookAt(longitude, latitude, own.zoom, own.bearing), position: [0, 0, map.groundAt(longitude, latitude)] }, isInstant);
}

export function flyToBuilding(id: string): void {
  const building = get().buildings.find((one) => one.id === id);
  if (!building) return;
  const ring = outlines(building.footprint)[0]?.[0] ?? [];
  const across = ring.reduce((most, corner) => Math.max(most, distance(corner, [building.lon, building.lat])), 12);
  flyToPlace([building.lon, building.lat, building.base_h_m + building.height_m / 3], Math.max(across, building.height_m * 0.8) * 1.6);
}

/** Looks into a storey from above, steeply enough to see over its cut walls. */
export function flyToStorey(storey: Storey): void {
  const building = get().buildings.find((one) => one.id === get().buildingId);
  const places = storey.spaces.flatMap((space) => outlines(space.outline)[0]?.[0] ?? []);
  const ring = places.length ? places : (outlines(building?.footprint ?? null)[0]?.[0] ?? []);
  if (!ring.length) return;
  const lons = ring.map((corner) => corner[0]!);
  const lats = ring.map((corner) => corner[1]!);
  const [west, east, south, north] = [Math.min(...lons), Math.max(...lons), Math.min(...lats), Math.max(...lats)];
  const middle: LonLatH = [(west + east) / 2, (south + north) / 2, storey.base_h_m];
  flyToPlace(middle, (distance([west, south], [east, north]) / 2) * 1.05, 42);
}

/** Longitude and latitude in the middle of the view. */
export function lookedAt(): [number, number] {
  const { longitude, latitude } = map?.camera() ?? { longitude: 0, latitude: 0 };
  return [longitude, latitude];
}

export function zoomBy(steps: number): void {
  if (map) map.flyTo({ zoom: map.camera().zoom + steps });
}

export function faceNorth(): void {
  if (map) map.flyTo({ bearing: 0 });
}

/** Goes into the building over a place indoors or below ground, to the storey it lies on, and flies there. */
export async function flyIndoors(place: LonLatH, metres: number): Promise<void> {
  const building = get().buildings.find((one) => one.models.length > 0 && contains(one.footprint, place));
  if (building) {
    await openBuilding(building.id);
    const storey = sortStoreys(get().storeys).filter((one) => one.base_h_m <= place[2] + 0.2);
    const last = storey[storey.length - 1];
    if (last) chooseStorey(last.id);
  }
  flyToPlace(place, metres, 42);
}

/** Whether a place is under the open sky: near the ground, and not in a building that has a model. */
export function isOutdoors(place: LonLatH): boolean {
  const above = place[2] - (get().park?.origin[2] ?? 0) - (map?.groundAt(place[0], place[1]) ?? 0);
  return above > -1.5 && !get().buildings.some((one) => one.models.length > 0 && contains(one.footprint, place));
}
