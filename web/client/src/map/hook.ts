/** `window.parktwin`: where things are on the screen, for tests and for scripts in the console. */
import { get } from "../state/store";
import { marked } from "../layers/events";
import type { ParkMap } from "./engine";

export interface Hook {
  /** Whether all layers are loaded and drawn as the state says. */
  readonly ready: boolean;
  /** What is not loaded or drawn yet. */
  readonly waitsFor: string[];
  /** Pixels of longitude, latitude and height above the park's datum. */
  project(place: [number, number, number?]): [number, number];
  /** Layer and object under a pixel. */
  pick(x: number, y: number): { layer: string; object: unknown } | null;
  camera(): object;
  flyTo(camera: object): void;
  readonly state: object;

  /** What can be clicked now, with its place: devices, buildings, open events, gaps. */
  readonly pickables: { type: string; id: string; place: [number, number, number] }[];
}

export function installHook(map: ParkMap): void {
  const hook: Hook = {
    get ready() {
      return map.isReady();
    },
    get waitsFor() {
      return map.waitsFor();
    },
    project: (place) => map.project(place),
    pick(x, y) {
      const info = map.pick(x, y);
      return info?.layer ? { layer: info.layer.id, object: info.object } : null;
    },
    camera: () => map.camera(),
    flyTo: (camera) => map.flyTo(camera, true),
    get state() {
      return get();
    },
    get pickables() {
      const { devices, buildings, events, answer } = get();
      return [
        ...devices.map((one) => ({ type: "device", id: one.id, place: [one.lon, one.lat, one.h_m] as [number, number, number] })),
        ...buildings.map((one) => ({ type: "building", id: one.id, place: [one.lon, one.lat, one.base_h_m + one.height_m] as [number, number, number] })),
        ...marked(events).map((one) => ({ type: "event", id: one.id, place: [one.lon, one.lat, one.h_m] as [number, number, number] })),
        ...(answer?.result.gaps ?? []).flatMap((gap) => (gap.lonlat_h ? [{ type: "gap", id: gap.id, place: gap.lonlat_h }] : [])),
      ];
    },
  };
  (window as unknown as { parktwin: Hook }).parktwin = hook;
}
