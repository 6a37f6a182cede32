/** `window.parktwin`: where things are on the screen, for tests and for scripts in the console. */
import { get, set } from "../state/store";
import { marked } from "../layers/events";
import { alive } from "../tiles/tile-passes";
import type { TileContent } from "../tiles/loader";
import { budget, limits } from "../tiles/park-tileset";
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
  /** Longitude, latitude and height above the park's datum of the surface under a pixel. */
  place(x: number, y: number): [number, number, number] | null;
  camera(): object;
  flyTo(camera: object): void;
  readonly state: object;
  /** Changes the state, as the panels do. */
  set(change: object): void;
  /** What tiles are and take: those in view, and what lives on the graphics card. [bytes] */
  readonly tiles: { inView: number; bytes: number; triangles: number; elements: number; alive: typeof alive };
  /** Lets tiles take so much from now on. [MB] */
  limitTiles(megabytes: number): void;

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
    place: (x, y) => map.placeAt(x, y),
    camera: () => map.camera(),
    flyTo: (camera) => map.flyTo(camera, true),
    get state() {
      return get();
    },
    limitTiles(megabytes) {
      limits.memoryMb = megabytes;
    },
    set: (change) => set(change),
    get tiles() {
      const contents = budget.inView().map((tile) => (tile.content as { gltf?: Partial<TileContent> } | null)?.gltf);
      const sum = (of: (content: Partial<TileContent>) => number | undefined): number => contents.reduce((all, one) => all + ((one && of(one)) ?? 0), 0);
      return {
        inView: contents.length,
        bytes: budget.used(),
        triangles: sum((one) => (one.mesh ? one.mesh.indices.length / 3 : 0)),
        elements: sum((one) => one.mesh?.features),
        alive: { ...alive },
      };
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
