/** Zooming in by a double click. deck.gl's own makes every click wait a third of a second for a second one; the browser's does not. */
import { get } from "../state/store";
import type { Camera } from "./views";

/** What of the map it needs. */
export interface ZoomMap {
  camera(): Camera;
  flyTo(target: Partial<Camera>): void;
  unproject(x: number, y: number, h: number): [number, number] | null;
}

/** Follows double clicks on the map's element; answers how to stop. */
export function followDoubleClicks(map: ZoomMap, element: HTMLElement): () => void {
  const zoom = (event: MouseEvent): void => {
    if (get().cameraMode === "walk") return;
    const box = element.getBoundingClientRect();
    const camera = map.camera();
    const h = camera.position[2] + (get().park?.origin[2] ?? 0);
    const place = map.unproject(event.clientX - box.left, event.clientY - box.top, h);
    const steps = event.shiftKey ? -1 : 1;
    if (place) map.flyTo({ ...towards(camera, place, steps), zoom: camera.zoom + steps });
  };
  element.addEventListener("dblclick", zoom);
  return () => element.removeEventListener("dblclick", zoom);
}

/** The target for which a place stays where it is on the screen while the scale changes by powers of two. */
export function towards({ longitude, latitude }: Camera, [lon, lat]: readonly [number, number], steps: number): { longitude: number; latitude: number } {
  const share = 1 - 2 ** -steps;
  return { longitude: longitude + (lon - longitude) * share, latitude: latitude + (lat - latitude) * share };
}
