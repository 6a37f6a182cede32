/**
 * The map: one deck.gl, one view, drawn anew whenever the state says something else.
 *
 * React makes it once and leaves it alone; it listens to the store itself, so that a panel that renders costs the map nothing.
 */
import { Deck, type PickingInfo } from "@deck.gl/core";

import type { Camera } from "./views";
import type { LayerContext } from "../layers/context";
import { byKind } from "../layers/devices";
import { isPulsing } from "../layers/events";
import { roomLabels } from "../layers/interior";
import { type Label, buildingLabels, placeLabels } from "../layers/labels";
import { select, chooseStorey } from "../state/selection";
import { type State, get, set, useStore } from "../state/store";
import { type Materials, composeLayers } from "./compose";
import { metresPerPixel } from "./earth";
import { type Ground, groundOf } from "./ground";
import { lighting } from "./lighting";
import { palette } from "./palette";
import { meaningOf } from "./pick";
import { readScene } from "./scene";
import { VIEW_ID, depthRange, enter, makeView, transition, viewState } from "./views";

export interface MapSources {
  materials: Omit<Materials, "parts" | "onTileLoad" | "onTileError">;
}

export interface MapHandle {
  flyTo(camera: Partial<Camera>, isInstant?: boolean): void;
  camera(): Camera;
  project(place: readonly [number, number, number?]): [number, number];
  pick(x: number, y: number): PickingInfo | null;
  isReady(): boolean;
  size(): { width: number; height: number };
  groundAt(longitude: number, latitude: number): number;
  subscribe(listener: (camera: Camera) => void): () => void;
  destroy(): void;
}

const FLAT: Ground = { heightAt: () => 0, lowest: 0, isFlat: true, grid: null };
const LABELS_EVERY_MS = 180;
const LABELS_UP_TO_M = 2.6; // a pixel; smaller scales show the park as a whole

export function createMap(parent: HTMLDivElement, sources: MapSources): MapHandle {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const listeners = new Set<(camera: Camera) => void>();
  let camera: Camera = { longitude: 0, latitude: 0, zoom: 15, pitch: 50, bearing: 0, position: [0, 0, 0] };
  let materials: Materials | null = null;
  let ground = FLAT;
  let labels: ReadonlyMap<string, number> = new Map();
  let labelTimer: ReturnType<typeof setTimeout> | undefined;
  let frame = 0;
  let depth = depthRange(camera, 800);
  let lastZoomStep = -1;
  let isDestroyed = false;
  let failures = 0;
  let drawing: "asked" | "waiting" | "done" = "asked";

  const deck = new Deck({
    parent,
    views: makeView("overview", camera, 800),
    initialViewState: viewState("overview", camera) as never,
    layers: [],
    effects: [lighting()],
    useDevicePixels: true,
    pickingRadius: 3,
    deviceProps: { type: "webgl", webgl: { stencil: true, antialias: true, powerPreference: "high-performance" } } as never,
    style: { outline: "none" } as never,
    onViewStateChange: (change: { viewState: Camera }) => {
      onCamera(change.viewState);
      return change.viewState;
    },
    onHover: (info: PickingInfo) => onHover(info),
    onClick: (info: PickingInfo) => onClick(info),
    onAfterRender: () => {
      if (drawing === "waiting") drawing = "done";
    },
    onError: (error: Error) => fail(error),
    getCursor: ({ isDragging, isHovering }: { isDragging: boolean; isHovering: boolean }) => (isDragging ? "grabbing" : isHovering ? "pointer" : "grab"),
  } as never);

  function fail(error: Error): void {
    if (failures++ < 3) set({ notice: { id: Date.now(), message: error.message } });
  }

  function onCamera(next: Camera): void {
    const { longitude, latitude, pitch, bearing, zoom = camera.zoom, position = [0, 0, 0] } = next;
    camera = { longitude, latitude, zoom, pitch, bearing, position };
    for (const listener of listeners) listener(camera);
    keepDepth();
    placeLater();
    if (zoomStep(camera) !== lastZoomStep) redraw();
  }

  /** deck.gl counts the planes in view heights, so they follow the zoom. */
  function keepDepth(): void {
    const { cameraMode } = get();
    if (cameraMode === "walk") return;
    const height = parent.clientHeight || 800;
    const wanted = depthRange(camera, height);
    if (Math.abs(wanted.nearZ / depth.nearZ - 1) < 0.2 && Math.abs(wanted.farZ / depth.farZ - 1) < 0.2) return;
    depth = wanted;
    deck.setProps({ views: makeView(cameraMode, camera, height) } as never);
  }

  function context(state: State): LayerContext {
    const names = candidates(state);
    return {
      state,
      palette: palette(state.theme),
      ground,
      originHeight: state.park?.origin[2] ?? 0,
      camera,
      zoomStep: zoomStep(camera),
      isStill: still.matches,
      now: Date.now(),
      labels,
      buildingLabels: names.buildings,
      roomLabels: names.rooms,
      openBuilding: state.buildings.find((one) => one.id === state.buildingId) ?? null,
      onStorey: (device) => device.storey_id === state.storeyId,
    };
  }

  function redraw(): void {
    drawing = "asked";
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(draw);
  }

  function draw(): void {
    const state = get();
    if (isDestroyed || !materials || !state.park) return;
    lastZoomStep = zoomStep(camera);
    deck.setProps({ layers: composeLayers(context(state), materials) });
    drawing = "waiting";
    if (isPulsing(state.pulses, Date.now()) && !still.matches) setTimeout(redraw, 40);
  }

  function placeLater(): void {
    if (labelTimer) return;
    labelTimer = setTimeout(() => {
      labelTimer = undefined;
      place();
    }, LABELS_EVERY_MS);
  }

  /** All that could be named now: the buildings, or the rooms of the storey that is looked at. */
  function candidates(state: State): { buildings: Label[]; rooms: Label[] } {
    const originHeight = state.park?.origin[2] ?? 0;
    const storey = state.storeys.find((one) => one.id === state.storeyId);
    const isHidden = storey !== undefined || state.hidden.has("buildings") || state.cameraMode === "walk" || state.cameraMode === "underground";
    return {
      buildings: isHidden ? [] : buildingLabels(state.buildings, state.language, originHeight),
      rooms: roomLabels(storey, originHeight, state.language),
    };
  }

  function place(): void {
    const state = get();
    const viewport = deck.isInitialized ? deck.getViewports()[0] : undefined;
    if (!viewport || !state.park) return;
    const isTooFar = metresPerPixel(camera.zoom, camera.latitude) > LABELS_UP_TO_M;
    const project = (at: Label["place"]): [number, number, number] | null => {
      const [x = 0, y = 0, depth = 0] = viewport.project(at);
      const [px, py, pz] = viewport.projectPosition(at);
      const m = viewport.viewProjectionMatrix;
      const w = m[3]! * px + m[7]! * py + m[11]! * pz + m[15]!;
      return depth < 1 && depth > -1 ? [x, y, w / (viewport.focalDistance || 1)] : null;
    };
    const { buildings, rooms } = candidates(state);
    const next = isTooFar ? new Map<string, number>() : placeLabels([...rooms, ...buildings], project, { width: viewport.width, height: viewport.height });
    if (next.size !== labels.size || [...next].some(([id, size]) => labels.get(id) !== size)) {
      labels = next;
      redraw();
    }
  }

  function onHover(info: PickingInfo): void {
    const pointer = info.coordinate ? { lon: info.coordinate[0]!, lat: info.coordinate[1]! } : null;
    parent.dispatchEvent(new CustomEvent("parktwin:pointer", { detail: pointer }));
  }

  function onClick(info: PickingInfo): void {
    const meaning = meaningOf(info, get().buildingId);
    if (!meaning) {
      if (get().selection) select(null);
    } else if (meaning.type === "gap") set({ chosenGap: meaning.id, isRightOpen: true });
    else select(meaning);
  }

  function changeMode(state: State, before: State): void {
    const anchor = anchorHeight(state);
    const next = enter(state.cameraMode, before.cameraMode === "walk" ? { ...camera, zoom: Math.max(camera.zoom, 18), pitch: 50 } : camera, anchor);
    deck.setProps({ views: [makeView(before.cameraMode, camera, parent.clientHeight)].map((view) => new (view.constructor as never as new (p: object) => never)({ id: VIEW_ID, controller: false })) } as never);
    camera = next;
    depth = depthRange(next, parent.clientHeight || 800);
    deck.setProps({
      views: makeView(state.cameraMode, next, parent.clientHeight || 800),
      initialViewState: { ...viewState(state.cameraMode, next), transitionDuration: 0 },
    } as never);
    onCamera(next);
  }

  /** Where one stands: the floor that is looked at, else the ground. */
  function anchorHeight(state: State): number {
    const storey = state.storeys.find((one) => one.id === state.storeyId);
    const origin = state.park?.origin[2] ?? 0;
    return storey ? storey.base_h_m - origin : ground.heightAt(camera.longitude, camera.latitude);
  }

  function load(state: State): void {
    if (!state.park || !state.scene) return;
    ground = groundOf(state.park, state.buildings, state.devices, state.terrain);
    byKind(state.devices);
    materials = { ...sources.materials, parts: readScene(state.scene, state.layers), onTileLoad: placeLater, onTileError: () => undefined };
    redraw();
    placeLater();
  }

  const stops = [
    useStore.subscribe((state, before) => {
      if (state.scene !== before.scene || state.devices !== before.devices) load(state);
      if (state.cameraMode !== before.cameraMode) changeMode(state, before);
      if (isDrawn(state, before)) redraw();
      if (state.language !== before.language || state.storeyId !== before.storeyId) placeLater();
    }),
  ];
  load(get());
  const resize = new ResizeObserver(() => {
    depth = { nearZ: 0, farZ: 0 };
    keepDepth();
    placeLater();
  });
  resize.observe(parent);
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    if (get().cameraMode === "walk") set({ cameraMode: "overview" });
    else if (get().selection) select(null);
    else if (get().storeyId) chooseStorey(null);
  };
  window.addEventListener("keydown", onKey);

  return {
    flyTo(target, isInstant = false) {
      const { cameraMode } = get();
      const next = { ...camera, ...target };
      const way = isInstant ? { transitionDuration: 0 } : transition(cameraMode, still.matches);
      deck.setProps({ initialViewState: { ...viewState(cameraMode, next), ...way } } as never);
      if (isInstant || still.matches) onCamera(next);
    },
    camera: () => camera,
    project(place) {
      const viewport = deck.getViewports()[0]!;
      const [x = 0, y = 0] = viewport.project([place[0], place[1], (place[2] ?? 0) - (get().park?.origin[2] ?? 0)]);
      return [x, y];
    },
    pick: (x, y) => deck.pickObject({ x, y, radius: 3 }),
    isReady: () => drawing === "done" && !labelTimer && materials !== null && (deck.props.layers as { isLoaded?: boolean }[]).every((layer) => layer?.isLoaded !== false),
    size: () => ({ width: parent.clientWidth, height: parent.clientHeight }),
    groundAt: (longitude, latitude) => ground.heightAt(longitude, latitude),
    subscribe(listener) {
      listeners.add(listener);
      listener(camera);
      return () => listeners.delete(listener);
    },
    destroy() {
      isDestroyed = true;
      clearTimeout(labelTimer);
      cancelAnimationFrame(frame);
      resize.disconnect();
      window.removeEventListener("keydown", onKey);
      for (const stop of stops) stop();
      deck.finalize();
    },
  };
}

/** Whether two states are drawn differently. */
function isDrawn(state: State, before: State): boolean {
  const drawn: (keyof State)[] = [
    "theme", "language", "hidden", "fieldsOfView", "selection", "fieldOfView", "storeyId", "storeys", "buildingId", "hiddenElements", "isolatedElement",
    "answer", "isGapsShown", "isSamplesShown", "sampleMode", "chosenGap", "events", "pulses", "cameraMode",
  ]; // prettier-ignore
  return drawn.some((key) => state[key] !== before[key]);
}

/** 0 far, symbols as dots; 3 close. */
function zoomStep(camera: Camera): number {
  return camera.zoom < 15.2 ? 0 : camera.zoom < 16.6 ? 1 : camera.zoom < 18.4 ? 2 : 3;
}
