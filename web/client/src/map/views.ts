/**
 * The camera's modes as deck.gl views, and the view states that go with them.
 *
 * Every mode keeps the one view id: a tileset holds a tree of tiles for each id it has ever seen. Near and far planes are given in
 * metres: deck.gl's own cut off a building five metres away and everything below ground.
 */
import { FirstPersonView, FlyToInterpolator, LinearInterpolator, MapView, type View } from "@deck.gl/core";

import { metresPerPixel, offset } from "./earth";
import { TargetPlaneController } from "./target-plane-controller";

export type CameraMode = "overview" | "plan" | "walk" | "underground";
export const VIEW_ID = "main";

/** A map view turns about a target, `position[2]` metres above the scene's zero; a walker stands at `position[2]`. */
export interface Camera {
  longitude: number;
  latitude: number;
  zoom: number;
  pitch: number;
  bearing: number;
  position: [number, number, number];
}

const FAR_M = 8000;
const EYE_DISTANCE = 1.5; // of a map view, in view heights
const EYE_HEIGHT_M = 1.6;

/** Metres from the eye to its target in a map view `height` pixels high. */
export function eyeDistance(camera: Camera, height: number): number {
  return EYE_DISTANCE * height * metresPerPixel(camera.zoom, camera.latitude);
}

/** The near plane of a map view: a 150th of the way to the target keeps 5 cm apart at 300 m. [m] */
export function nearPlane(camera: Camera, height: number): number {
  return Math.min(8, Math.max(0.1, eyeDistance(camera, height) / 150));
}

/** Depth range in the unit deck.gl wants for map views, view heights. */
export function depthRange(camera: Camera, height: number): { nearZ: number; farZ: number } {
  const viewHeight = height * metresPerPixel(camera.zoom, camera.latitude);
  const far = Math.max(FAR_M, 12 * eyeDistance(camera, height));
  return { nearZ: nearPlane(camera, height) / viewHeight, farZ: far / viewHeight };
}

/** The view of a mode; the camera and the height of the window [px] set its depth range. */
export function makeView(mode: CameraMode, camera: Camera, height: number): View {
  if (mode === "walk") {
    return new FirstPersonView({
      id: VIEW_ID,
      fovy: 65,
      near: 0.1,
      far: FAR_M,
      focalDistance: 60, // without it, symbols sized in pixels vanish
      controller: { dragMode: "rotate", scrollZoom: false, doubleClickZoom: false, keyboard: { moveSpeed: 0.8 } } as never,
    });
  }
  const controller = { type: TargetPlaneController, inertia: 250, doubleClickZoom: false, dragRotate: mode !== "plan", touchRotate: mode !== "plan" };
  return new MapView({ id: VIEW_ID, orthographic: mode === "plan", ...depthRange(camera, height), controller: controller as never });
}

/** A camera as deck.gl wants it; a walker has no zoom, and one that is given would scale his world. */
export function viewState(mode: CameraMode, camera: Camera): Record<string, unknown> {
  const { longitude, latitude, zoom, pitch, bearing, position } = camera;
  const place = { longitude, latitude, pitch, bearing, position };
  return mode === "walk" ? { ...place, ...limits(mode) } : { ...place, zoom, ...limits(mode) };
}

/** A walker moves by metres from where he began: the camera with those metres in its longitude and latitude. */
export function standing(camera: Camera): Camera {
  const [x, y, z] = camera.position;
  if (x === 0 && y === 0) return camera;
  const [longitude, latitude] = offset(camera.longitude, camera.latitude, x, y);
  return { ...camera, longitude, latitude, position: [0, 0, z] };
}

/** What a mode allows, for the view state. */
function limits(mode: CameraMode): Record<string, number> {
  if (mode === "walk") return { minPitch: -89, maxPitch: 89 };
  const maxPitch = mode === "underground" ? 170 : mode === "plan" ? 0 : 89;
  return { minZoom: 10, maxZoom: 26, minPitch: 0, maxPitch };
}

/** The camera that takes over when `mode` is entered from `from`; `ground` is the scene height to stand on. [m] */
export function enter(mode: CameraMode, from: Camera, ground: number): Camera {
  const position = (z: number): [number, number, number] => [0, 0, z];
  if (mode === "walk") return { ...from, pitch: 0, position: position(ground + EYE_HEIGHT_M) };
  if (mode === "underground") return { ...from, zoom: Math.max(from.zoom, 18), pitch: 105, position: position(ground - 4) };
  if (mode === "plan") return { ...from, pitch: 0, bearing: 0, position: position(ground) };
  const pitch = from.pitch > 5 && from.pitch < 85 ? from.pitch : 52;
  return { ...from, zoom: Math.min(from.zoom, 20.5), pitch, position: position(ground) };
}

/** How a camera gets to a new view state; no time at all where the system asks for less motion. */
export function transition(mode: CameraMode, still: boolean): Record<string, unknown> {
  if (still) return { transitionDuration: 0 };
  if (mode === "walk") return { transitionDuration: 400, transitionInterpolator: new LinearInterpolator(["longitude", "latitude", "position", "pitch", "bearing"]) };
  return { transitionDuration: 700, transitionInterpolator: new FlyToInterpolator({ speed: 2 }) };
}
