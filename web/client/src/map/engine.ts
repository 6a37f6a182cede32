/**
 * The map: one deck.gl, one view, drawn anew whenever the state says something else.
 *
 * React makes it once and leaves it alone; it listens to the store itself, so that a panel that renders costs the map nothing.
 */
import { Deck, type PickingInfo, type View } from "@deck.gl/core";

import type { LayerContext } from "../layers/context";
import { isPulsing } from "../layers/events";
import { followFaces } from "../section/handles";
import { sayLost } from "../state/lost";
import { notify } from "../state/problems";
import { isLight, memoryMb, pixelRatio } from "../state/profile";
import { chooseStorey, select } from "../state/selection";
import { endTrial } from "../state/trial";
import { type State, get, set, useStore } from "../state/store";
import type { Decode } from "../tiles/decode";
import { createTilesLoader } from "../tiles/loader";
import { limits } from "../tiles/park-tileset";
import { type Materials, composeLayers } from "./compose";
import { followDoubleClicks } from "./double-click";
import { type Ground, groundOf } from "./ground";
import { followHandles } from "./handles";
import { lighting } from "./lighting";
import { candidates, isSame, placedNames } from "./naming";
import { Pace, isFrameDue, unloaded } from "./pace";
import { palette } from "./palette";
import { meaningOf } from "./pick";
import { readScene } from "./scene";
import { type Camera, VIEW_ID, depthRange, enter, makeView, standing, transition, viewState } from "./views";

/** Where the map gets its bodies and areas: tiles of a server, or what an exported page carries. */
export interface MapSources {
  decode: Decode;
  features: Materials["features"];
  meshes: Materials["meshes"];
}

const FLAT: Ground = { heightAt: () => 0, lowest: 0, isFlat: true, grid: null };
const START: Camera = { longitude: 0, latitude: 0, zoom: 15, pitch: 50, bearing: 0, position: [0, 0, 0] };
const USUAL_HEIGHT_PX = 800;
const SAID_FAILURES = 3;
const SLOWEST_CLICK_MS = 4000; // picking blocks the page, for long where there is no graphics card
const NAMES_EVERY_MS = 180;
const PULSE_EVERY_MS = 40;

/** What of the state is drawn: a change of anything else leaves the picture as it is. */
const DRAWN: (keyof State)[] = [
  "theme", "language", "hidden", "cloudColor", "fieldsOfView", "selection", "fieldOfView", "storeyId", "storeys", "buildingId", "hiddenElements", "isolatedElement", "comparison", "section", "isSectionOpen", "profile",
  "answer", "isGapsShown", "isSamplesShown", "sampleMode", "chosenGap", "trial", "events", "pulses", "cameraMode",
]; // prettier-ignore

export class ParkMap {
  private readonly deck: Deck;
  private readonly still = matchMedia("(prefers-reduced-motion: reduce)");
  private readonly listeners = new Set<(camera: Camera) => void>();
  private readonly tilesLoader: Materials["tilesLoader"];
  private readonly resize = new ResizeObserver(() => this.fit());
  private readonly stopListening: () => void;
  private readonly stopHandles: () => void;
  private materials: Materials | null = null;
  private ground = FLAT;
  private loaded: State["scene"] = null; // the scene that ground and layers were made of
  private now = START;
  private depth = depthRange(START, USUAL_HEIGHT_PX);
  private names: ReadonlyMap<string, number> = new Map();
  private namesTimer: ReturnType<typeof setTimeout> | undefined;
  private frame = 0;
  private step = -1;
  private drawing: "asked" | "waiting" | "done" = "asked";
  private failures = 0;
  private isOverThing = false;
  private readonly pace = new Pace();
  private isGone = false;

  constructor(
    private readonly parent: HTMLDivElement,
    private readonly sources: MapSources,
  ) {
    limits.memoryMb = memoryMb(get());
    this.tilesLoader = createTilesLoader(sources.decode);
    this.deck = new Deck(this.deckProps() as never);
    this.stopListening = useStore.subscribe((state, before) => this.follow(state, before));
    this.load(get());
    this.resize.observe(parent);
    window.addEventListener("keydown", this.onKey);
    const stops = [followHandles(this, parent), followFaces(this, parent), followDoubleClicks(this, parent)];
    this.stopHandles = () => stops.forEach((stop) => stop());
  }

  /** Brings the camera somewhere; by a flight, unless that is not wanted. */
  flyTo(target: Partial<Camera>, isInstant = false): void {
    const { cameraMode } = get();
    const next = { ...standing(this.now), ...target };
    const way = isInstant ? { transitionDuration: 0 } : transition(cameraMode, this.still.matches);
    this.deck.setProps({ initialViewState: { ...viewState(cameraMode, next), ...way } } as never);
    if (isInstant || this.still.matches) this.onCamera(next);
  }

  camera(): Camera {
    return standing(this.now);
  }

  /** Pixels of longitude, latitude and height above the park's datum. */
  project([lon, lat, h = 0]: readonly [number, number, number?]): [number, number] {
    const [x = 0, y = 0] = this.deck.getViewports()[0]!.project([lon, lat, h - originHeight(get())]);
    return [x, y];
  }

  /** The longitude and latitude under a pixel, on the level at `h` above the park's datum; null where the sky is. */
  unproject(x: number, y: number, h: number): [number, number] | null {
    const found = this.deck.getViewports()[0]?.unproject([x, y], { targetZ: h - originHeight(get()) });
    return found && found.every(Number.isFinite) ? [found[0]!, found[1]!] : null;
  }

  pick(x: number, y: number): PickingInfo | null {
    return this.deck.pickObject({ x, y, radius: 3 });
  }

  /** The place of the surface under a pixel, by its depth: longitude, latitude, height above the park's datum. */
  placeAt(x: number, y: number): [number, number, number] | null {
    const found = this.deck.pickObject({ x, y, radius: 1, unproject3D: true })?.coordinate;
    return found ? [found[0]!, found[1]!, (found[2] ?? 0) + originHeight(get())] : null;
  }

  /** Whether all layers are loaded and drawn as the state says. */
  isReady(): boolean {
    return this.materials !== null && this.waitsFor().length === 0;
  }

  /** What `isReady` waits for: layers that are not loaded, or the drawing itself. */
  waitsFor(): string[] {
    const rest = { [this.drawing]: this.drawing !== "done", names: this.namesTimer !== undefined, frame: isFrameDue(this.deck) };
    return [...unloaded(this.deck), ...Object.entries(rest).flatMap(([what, isDue]) => (isDue ? [what] : []))];
  }

  size(): { width: number; height: number } {
    return { width: this.parent.clientWidth, height: this.parent.clientHeight };
  }

  groundAt(longitude: number, latitude: number): number {
    if (get().scene !== this.loaded) this.load(get()); // whoever hears of a new park first may ask before the map has heard of it
    return this.ground.heightAt(longitude, latitude);
  }

  /** Calls back with the camera, now and whenever it moves; answers how to stop. */
  subscribe(listener: (camera: Camera) => void): () => void {
    this.listeners.add(listener);
    listener(this.camera());
    return () => this.listeners.delete(listener);
  }

  destroy(): void {
    this.isGone = true;
    clearTimeout(this.namesTimer);
    cancelAnimationFrame(this.frame);
    this.resize.disconnect();
    window.removeEventListener("keydown", this.onKey);
    this.stopListening();
    this.stopHandles();
    this.deck.finalize();
  }

  private deckProps(): object {
    return {
      parent: this.parent,
      views: makeView("overview", START, USUAL_HEIGHT_PX),
      initialViewState: viewState("overview", START),
      layers: [],
      effects: [lighting()],
      useDevicePixels: pixelRatio(get()),
      pickingRadius: 3,
      eventRecognizerOptions: { click: { time: SLOWEST_CLICK_MS } },
      deviceProps: { type: "webgl", webgl: { stencil: true, antialias: !isLight(get()), powerPreference: "high-performance" } },
      style: { outline: "none" },
      onViewStateChange: (change: { viewState: Camera }) => {
        this.onCamera(change.viewState);
        return change.viewState;
      },
      onHover: (info: PickingInfo) => this.onHover(info),
      onClick: (info: PickingInfo) => this.onClick(info),
      _customRender: (reason: string) => this.pace.paint(this.deck, reason, this.drawing !== "asked" && unloaded(this.deck).length === 0),
      onAfterRender: () => {
        if (this.drawing === "waiting") this.drawing = "done";
      },
      onError: (error: Error) => this.say(error.message),
      getCursor: ({ isDragging }: { isDragging: boolean }) => (isDragging ? "grabbing" : this.isOverThing ? "pointer" : "grab"),
    };
  }

  /** A map that fails would fail in every frame: what is wrong is said a few times, not for ever. */
  private say(sentence: string): void {
    if (this.failures++ < SAID_FAILURES) notify(sentence);
  }

  private follow(state: State, before: State): void {
    if (state.scene !== this.loaded || state.devices !== before.devices) this.load(state);
    if (state.profile !== before.profile) this.fitMachine(state);
    if (state.cameraMode !== before.cameraMode) this.changeMode(state, before);
    if (DRAWN.some((key) => state[key] !== before[key])) this.redraw();
    if (state.language !== before.language || state.storeyId !== before.storeyId) this.nameLater();
  }

  private fitMachine(state: State): void {
    limits.memoryMb = memoryMb(state);
    this.deck.setProps({ useDevicePixels: pixelRatio(state) } as never);
  }

  private load(state: State): void {
    if (!state.park || !state.scene) return;
    if (!this.loaded) this.pace.open();
    this.loaded = state.scene;
    const { features, meshes } = this.sources;
    this.ground = groundOf(state.park, state.buildings, state.devices, state.terrain);
    const parts = readScene(state.scene, state.layers);
    this.materials = { features, meshes, tilesLoader: this.tilesLoader, parts, onLost: sayLost };
    this.redraw();
    this.nameLater();
  }

  private onCamera(next: Camera): void {
    const { longitude, latitude, pitch, bearing, zoom = this.now.zoom, position = [0, 0, 0] } = next;
    this.now = { longitude, latitude, zoom, pitch, bearing, position };
    const camera = this.camera();
    for (const listener of this.listeners) listener(camera);
    this.keepDepth();
    this.nameLater();
    if (zoomStep(this.now) !== this.step) this.redraw();
  }

  private height(): number {
    return this.parent.clientHeight || USUAL_HEIGHT_PX;
  }

  private fit(): void {
    this.depth = { nearZ: 0, farZ: 0 };
    this.keepDepth();
    this.nameLater();
  }

  /** deck.gl counts the planes in view heights, so they follow the zoom. */
  private keepDepth(): void {
    const { cameraMode } = get();
    if (cameraMode === "walk") return;
    const wanted = depthRange(this.now, this.height());
    const isNear = (a: number, b: number): boolean => Math.abs(a / b - 1) < 0.2;
    if (isNear(wanted.nearZ, this.depth.nearZ) && isNear(wanted.farZ, this.depth.farZ)) return;
    this.depth = wanted;
    this.deck.setProps({ views: makeView(cameraMode, this.now, this.height()) } as never);
  }

  private redraw = (): void => {
    this.drawing = "asked";
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  };

  private draw(): void {
    const state = get();
    if (this.isGone || !this.materials || !state.park) return;
    this.step = zoomStep(this.now);
    this.deck.setProps({ layers: composeLayers(this.context(state), this.materials) });
    this.drawing = "waiting";
    if (isPulsing(state.pulses, Date.now()) && !this.still.matches) setTimeout(this.redraw, PULSE_EVERY_MS);
  }

  private context(state: State): LayerContext {
    const names = candidates(state);
    return {
      state,
      palette: palette(state.theme),
      ground: this.ground,
      originHeight: originHeight(state),
      zoomStep: zoomStep(this.now),
      isStill: this.still.matches,
      now: Date.now(),
      labels: this.names,
      buildingLabels: names.buildings,
      roomLabels: names.rooms,
      openBuilding: state.buildings.find((one) => one.id === state.buildingId) ?? null,
    };
  }

  private nameLater(): void {
    this.namesTimer ??= setTimeout(() => {
      this.namesTimer = undefined;
      this.name();
    }, NAMES_EVERY_MS);
  }

  private name(): void {
    const viewport = this.deck.isInitialized ? this.deck.getViewports()[0] : undefined;
    if (!viewport || !get().park) return;
    const next = placedNames(candidates(get()), viewport, this.now);
    if (isSame(next, this.names)) return;
    this.names = next;
    this.redraw();
  }

  private onHover(info: PickingInfo): void {
    this.isOverThing = meaningOf(info, null) !== null;
    const pointer = info.coordinate ? { lon: info.coordinate[0]!, lat: info.coordinate[1]! } : null;
    this.parent.dispatchEvent(new CustomEvent("parktwin:pointer", { detail: pointer }));
  }

  private onClick(info: PickingInfo): void {
    const meaning = meaningOf(info, get().buildingId);
    if (!meaning) {
      if (get().selection) select(null);
    } else if (meaning.type === "gap") set({ chosenGap: meaning.id, isRightOpen: true });
    else select(meaning);
  }

  /** Changes the kind of view under the one id; the old view gives up its controller first, or both would answer the mouse. */
  private changeMode(state: State, before: State): void {
    const from = standing(this.now);
    const start = before.cameraMode === "walk" ? { ...from, zoom: Math.max(from.zoom, 18), pitch: 50 } : from;
    const next = enter(state.cameraMode, start, this.standingHeight(state));
    const Old = makeView(before.cameraMode, this.now, this.height()).constructor as new (props: object) => View;
    this.deck.setProps({ views: [new Old({ id: VIEW_ID, controller: false })] } as never);
    this.now = next;
    this.depth = depthRange(next, this.height());
    const initialViewState = { ...viewState(state.cameraMode, next), transitionDuration: 0 };
    this.deck.setProps({ views: makeView(state.cameraMode, next, this.height()), initialViewState } as never);
    this.onCamera(next);
  }

  /** Where one stands: the floor that is looked at, else the ground. */
  private standingHeight(state: State): number {
    const storey = state.storeys.find((one) => one.id === state.storeyId);
    return storey ? storey.base_h_m - originHeight(state) : this.ground.heightAt(this.now.longitude, this.now.latitude);
  }

  /** Escape gives up one thing after the other: the walk, what is chosen, the storey. */
  private onKey = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    if (get().cameraMode === "walk") set({ cameraMode: "overview" });
    else if (get().trial) {
      if (Object.keys(get().trial!.poses).length === 0) endTrial(); // what was tried is not thrown away by a key
    } else if (get().selection) select(null);
    else if (get().storeyId) chooseStorey(null);
  };
}

function originHeight(state: State): number {
  return state.park?.origin[2] ?? 0;
}

/** 0 far, symbols as dots; 3 close. */
function zoomStep(camera: Camera): number {
  return camera.zoom < 15.2 ? 0 : camera.zoom < 16.6 ? 1 : camera.zoom < 18.4 ? 2 : 3;
}
