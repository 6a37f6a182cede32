/** What the page knows and what is chosen on it. Panels and the map read it; the actions beside this file change it. */
import { create } from "zustand";
import { subscribeWithSelector } from "zustand/middleware";

import type {
  Building,
  Device,
  Difference,
  Element,
  FieldOfView,
  GapFeatures,
  LayerInfo,
  Measure,
  Pack,
  Park,
  ParkEvent,
  Preview,
  Result,
  Samples,
  Scene,
  Scorecard,
  Storey,
  SurfaceInfo,
  TerrainGrid,
} from "../api/types";
import type { Feature } from "geojson";
import type { CameraMode } from "../map/views";
import type { Section } from "../section/section";
import type { Poses } from "../whatif/pose";
import type { Profile } from "./profile";

export type Language = "zh" | "en";
export type Theme = "light" | "dark";
export type Role = "manage" | "plan" | "evaluate";
export type LeftTab = "layers" | "events";

/** What is chosen on the map; the details come later than the click. */
export type Selection =
  | { type: "element"; id: string; class: string; name: string; building: string | null; model: string | null; detail: Element | null }
  | { type: "building"; id: string; detail: Building | null }
  | { type: "device"; id: string; detail: Device | null }
  | { type: "feature"; id: string; layer: string; detail: Feature | null }
  | { type: "event"; id: string }
  | { type: "space"; id: string; building: string };

/** One answer on the table: which measure, of how many, with what is drawn of it. */
export interface Answer {
  result: Result;
  gaps: GapFeatures | null;
  samples: Samples | null;
  threshold: number | null;
  verdict: string | null;
  indicator: string | null;
  /** Zone id → its names. */
  zoneNames: Record<string, { name: string; name_zh: string }>;
}

/** Changes to devices that are tried, and what they would give. */
export interface Trial {
  deviceId: string; // whose controls are shown
  measure: string;
  parameters: Record<string, unknown>;
  poses: Poses; // of the devices that differ
  past: Poses[]; // to be undone, the last one first
  preview: Preview | null;
  shown: Poses | null; // what the preview speaks of
  isBusy: boolean;
  failed: string | null;
  keptAs: string | null;
}

export interface Loading {
  done: number;
  total: number;
  what: string;
}

/** Two versions beside each other: what the map colours. */
export interface Comparison {
  difference: Difference;
  /** Element id → what became of it; `looks` of the change. */
  looks: ReadonlyMap<string, Look>;
  /** The tileset of the bodies that are not there any more. */
  left: string;
}
export type Look = "added" | "removed" | "changed";

export interface State {
  language: Language;
  theme: Theme;
  role: Role;
  isLeftOpen: boolean;
  isRightOpen: boolean;
  leftTab: LeftTab;

  loading: Loading | null;
  failure: { message: string; hint: string | undefined } | null;
  notice: { id: number; message: string } | null;
  park: Park | null;
  scene: Scene | null;
  terrain: TerrainGrid | null;
  layers: LayerInfo[];
  buildings: Building[];
  devices: Device[];
  measures: Measure[];
  surfaces: SurfaceInfo[];
  packs: Pack[];
  isLive: boolean;
  updatedAt: number | null;

  cameraMode: CameraMode;
  cloudColor: "own" | "class" | "height"; // how point clouds are coloured
  hidden: ReadonlySet<string>; // scene layers switched off
  fieldsOfView: boolean;

  selection: Selection | null;
  fieldOfView: FieldOfView | null;
  buildingId: string | null; // whose storeys are on the switch
  storeys: Storey[];
  storeyId: string | null; // the one isolated; null shows all
  comparison: Comparison | null;
  hiddenElements: ReadonlySet<string>; // never changed, but replaced
  isolatedElement: string | null;
  section: Section | null;
  isSectionOpen: boolean; // its panel
  profile: Profile;

  measureId: string | null;
  parameters: Record<string, unknown>;
  running: { measure: string; since: number; usual: number | null } | null; // usual: how long it took the last time [s]
  answer: Answer | null;
  isGapsShown: boolean;
  isSamplesShown: boolean;
  sampleMode: "state" | "value";
  chosenGap: string | null;
  trial: Trial | null;
  packId: string | null;
  scorecard: Scorecard | null;
  isScoring: boolean;

  events: ParkEvent[];
  unseen: number;
  pulses: Record<string, number>; // event id → when it came [ms]
}

export const initialState: State = {
  language: "zh",
  theme: "light",
  role: "manage",
  isLeftOpen: true,
  isRightOpen: true,
  leftTab: "layers",
  loading: { done: 0, total: 5, what: "park" },
  failure: null,
  notice: null,
  park: null,
  scene: null,
  terrain: null,
  layers: [],
  buildings: [],
  devices: [],
  measures: [],
  surfaces: [],
  packs: [],
  isLive: false,
  updatedAt: null,
  cameraMode: "overview",
  cloudColor: "own",
  hidden: new Set(),
  fieldsOfView: false,
  selection: null,
  fieldOfView: null,
  buildingId: null,
  storeys: [],
  storeyId: null,
  comparison: null,
  hiddenElements: new Set(),
  isolatedElement: null,
  section: null,
  isSectionOpen: false,
  profile: "auto",
  measureId: null,
  parameters: {},
  running: null,
  answer: null,
  isGapsShown: true,
  isSamplesShown: true,
  sampleMode: "state",
  chosenGap: null,
  trial: null,
  packId: null,
  scorecard: null,
  isScoring: false,
  events: [],
  unseen: 0,
  pulses: {},
};

export const useStore = create<State>()(subscribeWithSelector(() => initialState));

export const get = useStore.getState;
export const set = useStore.setState;
