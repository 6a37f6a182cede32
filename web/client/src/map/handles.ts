/** Moving and turning a device by its rings on the map, with the mouse or a finger; the map itself holds still meanwhile. */
import type { Device } from "../api/types";
import { deviceTried, poseTried, tryPose } from "../state/trial";
import { get } from "../state/store";
import { floorOf } from "../whatif/pose";
import { aimOf, azimuthTo } from "../whatif/view";
import { followPointer, placeOver } from "./dragging";

/** What of the map handles need; heights above the park's datum. */
export interface HandleMap {
  project(place: readonly [number, number, number?]): [number, number];
  unproject(x: number, y: number, h: number): [number, number] | null;
  groundAt(longitude: number, latitude: number): number;
}

interface Handle {
  what: "move" | "turn";
  h: number;
}

const MOUSE_PX = 16;
const FINGER_PX = 28;

/** Follows the pointer over the map's element; answers how to stop. */
export function followHandles(map: HandleMap, element: HTMLElement): () => void {
  const under = (event: PointerEvent): Handle | null => {
    const device = deviceTried();
    if (!device || !get().trial) return null;
    const [x, y] = placeOver(element, event);
    const near = event.pointerType === "touch" ? FINGER_PX : MOUSE_PX;
    return handlesOf(map, device).find(({ at }) => Math.hypot(at[0] - x, at[1] - y) <= near) ?? null;
  };
  return followPointer<Handle & { device: Device }>(element, {
    over: "is-over-handle",
    isOver: (event) => under(event) !== null,
    hold: (event) => {
      const device = deviceTried();
      const handle = under(event);
      return device && handle ? { what: handle.what, h: handle.h, device } : null;
    },
    drag: (held, event) => {
      const place = map.unproject(...placeOver(element, event), held.h);
      if (place) drag(held.device, held.what, place);
    },
  });
}

function drag(device: Device, what: Handle["what"], place: [number, number]): void {
  const pose = poseTried(device);
  if (what === "turn") tryPose(device, { azimuth_deg: Math.round(azimuthTo([pose.lon, pose.lat], place)) }, "drag-turn");
  else tryPose(device, { lon: place[0], lat: place[1] }, "drag-move");
}

/** The handles of a device with their places on the screen: the one that turns lies over the one that moves. */
function handlesOf(map: HandleMap, device: Device): (Handle & { at: [number, number] })[] {
  const pose = poseTried(device);
  const level = (lon: number, lat: number): number => floorOf(device) ?? map.groundAt(lon, lat) + (get().park?.origin[2] ?? 0);
  const aim = aimOf(device, pose);
  const of = (what: Handle["what"], [lon, lat]: readonly [number, number]): Handle & { at: [number, number] } => {
    const h = level(lon, lat);
    return { what, h, at: map.project([lon, lat, h]) };
  };
  return [...(aim ? [of("turn", aim)] : []), of("move", [pose.lon, pose.lat])];
}
