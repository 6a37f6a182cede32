/** Moving and turning a device by its rings on the map, with the mouse or a finger; the map itself holds still meanwhile. */
import type { Device } from "../api/types";
import { deviceTried, poseTried, tryPose } from "../state/trial";
import { get } from "../state/store";
import { floorOf } from "../whatif/pose";
import { aimOf, azimuthTo } from "../whatif/view";

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
  let held: (Handle & { pointer: number; device: Device }) | null = null;

  const under = (event: PointerEvent): Handle | null => {
    const device = deviceTried();
    if (!device || !get().trial) return null;
    const box = element.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const near = event.pointerType === "touch" ? FINGER_PX : MOUSE_PX;
    return handlesOf(map, device).find(({ at }) => Math.hypot(at[0] - x, at[1] - y) <= near) ?? null;
  };
  const down = (event: PointerEvent): void => {
    const device = deviceTried();
    const handle = event.button === 0 ? under(event) : null;
    if (!device || !handle) return;
    held = { what: handle.what, h: handle.h, pointer: event.pointerId, device };
    take(event);
  };
  const move = (event: PointerEvent): void => {
    if (!held) {
      element.classList.toggle("is-over-handle", event.buttons === 0 && under(event) !== null);
      return;
    }
    if (event.pointerId !== held.pointer) return;
    take(event);
    const box = element.getBoundingClientRect();
    const place = map.unproject(event.clientX - box.left, event.clientY - box.top, held.h);
    if (place) drag(held.device, held.what, place);
  };
  const up = (event: PointerEvent): void => {
    if (!held || event.pointerId !== held.pointer) return;
    held = null;
    take(event);
  };
  const options = { capture: true };
  element.addEventListener("pointerdown", down, options);
  window.addEventListener("pointermove", move, options);
  window.addEventListener("pointerup", up, options);
  window.addEventListener("pointercancel", up, options);
  return () => {
    element.removeEventListener("pointerdown", down, options);
    window.removeEventListener("pointermove", move, options);
    window.removeEventListener("pointerup", up, options);
    window.removeEventListener("pointercancel", up, options);
  };
}

function take(event: PointerEvent): void {
  event.stopImmediatePropagation();
  event.preventDefault();
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
