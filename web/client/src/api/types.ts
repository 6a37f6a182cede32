/** What the server says, as it says it. Longitudes and latitudes in degrees, heights in metres above the park's height datum. */
import type { Feature, FeatureCollection, Geometry, MultiPolygon, Polygon } from "geojson";

export type Rgba = [number, number, number, number];
export type LonLatH = [number, number, number];

export interface Park {
  name: string;
  name_zh?: string;
  origin: LonLatH;
  extent: [number, number, number, number] | null;
  crs: string;
  height_datum: string;
  revision: number | string;
  counts: {
    devices: Record<string, number>;
    buildings: number;
    models: number;
    elements: number;
    layers: number;
  };
  /** Where the heights of the ground are, if the server tells them. */
  terrain?: string | null;
  home: { longitude: number; latitude: number; zoom: number; pitch: number; bearing: number };
}

/** pydeck's JSON: the classes are named by "@@type" and made by @deck.gl/json. */
export interface SceneLayer {
  "@@type": string;
  id: string;
  [prop: string]: unknown;
}
export interface Scene {
  initialViewState?: Record<string, unknown>;
  layers: SceneLayer[];
  [prop: string]: unknown;
}

/** Heights of the ground on a regular grid, rows from south to north. [m, park datum] */
export interface TerrainGrid {
  west: number;
  south: number;
  east: number;
  north: number;
  columns: number;
  rows: number;
  heights: (number | null)[];
}

export interface LegendEntry {
  label_en: string;
  label_zh: string;
  color: number[];
}
export interface LayerInfo {
  id: string;
  kind: string;
  title_en: string;
  title_zh: string;
  features: number;
  geometry: "point" | "line" | "polygon" | "mixed";
  style: { fill?: number[]; line?: number[]; width_m?: number; radius_m?: number };
  legend: LegendEntry[];
  fields: string[];
  tiles: string;
  minzoom: number;
  maxzoom: number;
}

export interface Device {
  id: string;
  kind: string;
  name: string;
  lon: number;
  lat: number;
  h_m: number;
  height_m: number | null;
  status: string;
  building_id: string | null;
  storey_id: string | null;
  attributes: Record<string, unknown>;
  field_of_view?: FieldOfView | null;
}
/** The ground a camera sees as a polygon; `apex_h_m` is the height of its lens. */
export type FieldOfView = (Feature | Geometry) & { apex_h_m?: number; properties?: Record<string, unknown> };

export interface Building {
  id: string;
  name: string;
  name_zh: string | null;
  lon: number;
  lat: number;
  base_h_m: number;
  height_m: number;
  storeys: number | null;
  usage: string | null;
  models: string[];
  /** Models of many buildings that this one is part of. */
  city_models?: string[];
  footprint: Polygon | MultiPolygon | null;
}

export interface Space {
  id: string;
  name: string;
  long_name: string;
  usage: string | null;
  area_m2: number | null;
  floor_h_m: number;
  height_m: number | null;
  outline: Polygon | MultiPolygon | null;
}
export interface Storey {
  id: string;
  name: string;
  elevation_m: number;
  base_h_m: number;
  height_m: number | null;
  model_id: string;
  spaces: Space[];
}

export interface Element {
  id: string;
  class: string;
  name: string;
  model: string | null;
  building: string | null;
  storey: { id: string; name: string } | null;
  space: unknown;
  type: string | null;
  discipline: string | null;
  state: string | null;
  kernel: string | null;
  reason: string | null;
  materials: { name?: string; thickness_m?: number | null }[];
  properties: Record<string, Record<string, unknown> | unknown>;
  bbox: number[] | null;
  lonlat_h: LonLatH | null;
}

export interface SearchHit {
  type: "building" | "space" | "device" | "element" | "feature" | "model" | "storey";
  id: string;
  name: string;
  detail: string | null;
  lon: number | null;
  lat: number | null;
  h_m: number | null;
  storey_id: string | null;
  layer?: string | null;
}

export interface MeasureParameter {
  name: string;
  default: unknown;
  unit: string;
  source: string;
  meaning_en: string;
  meaning_zh: string;
  choices: unknown[];
}
export interface Measure {
  id: string;
  title_en: string;
  title_zh: string;
  unit: string;
  quantity: string;
  sources: string[];
  parameters: MeasureParameter[];
}

export interface Gap {
  id: string;
  amount: number;
  reason: string;
  blockers: string[];
  zone?: string | null;
  lonlat_h?: LonLatH | null;
  /** By how much the nearest device misses what is asked. */
  shortfall?: number | null;
  shortfall_unit?: string | null;
}
export interface Zone {
  id: string;
  name?: string | null;
  value: number | null;
  amount?: number | null;
}
export interface Warning {
  code: string;
  message?: string;
  hint?: string;
  [detail: string]: unknown;
}
export interface Result {
  measure: string;
  value: number | null;
  lower: number | null;
  upper: number | null;
  unit: string;
  numerator: number;
  denominator: number;
  quantity: string;
  surface: { id?: string; height_m?: number | null; step_m?: number | null; samples?: number; [key: string]: unknown };
  exclusions: { reason: string; amount: number }[];
  parameters: Record<string, { value: unknown; provenance: string; source: string }>;
  zones: Zone[];
  gaps: Gap[];
  inputs: { sha256?: string; devices?: number; defaulted_share?: number | null; [key: string]: unknown };
  warnings: Warning[];
  /** What each device covers, and what would be lost without it. */
  devices?: { id: string; covered: number; lost: number }[];
  /** What opens the bounds, the widest first. */
  sensitivity?: { what: string; devices: number; lower: number; upper: number; width: number }[];
  seconds: number;
  engine: string;
  run: string;
}
export interface GapFeatures extends FeatureCollection {
  features: Feature<Geometry, { id: string; amount: number; reason: string; blockers?: string[]; zone?: string | null }>[];
}
export interface Samples {
  unit: string;
  threshold: number | null;
  lon: number[];
  lat: number[];
  h: number[];
  value: (number | null)[];
  state: number[];
  size_m: number | number[];
}

/** What is done to one device in a scenario. */
export type DeviceChange =
  | { op: "move"; id: string; lon: number; lat: number; height_m?: number }
  | { op: "set"; id: string; values: Record<string, unknown> };
export interface Shares {
  value: number | null;
  lower: number | null;
  upper: number | null;
  numerator: number;
  denominator: number;
}
/** What changes would give: the value then and before, and the pieces no longer (`opened`) or newly (`closed`) covered. */
export interface Preview extends Shares {
  measure: string;
  delta: number | null;
  amount: number;
  before: Shares;
  gaps: FeatureCollection & { features: Feature<Geometry | null, { change: "opened" | "closed"; amount: number; reason: string; blockers: string[]; zone: string | null }>[] };
  devices: { id: string; covered: number; lost: number }[];
  cells: number;
  milliseconds: number;
}
export interface PreviewQuestion {
  measure: string;
  parameters: Record<string, unknown>;
  changes: DeviceChange[];
}
export interface ScenarioInfo {
  name: string;
  note: string;
  at: string;
}
/** A surface of areas by the name that measures take. */
export interface SurfaceInfo {
  id: string;
  title_en: string;
  title_zh: string;
}

export type Verdict = "pass" | "partial" | "fail" | "undecided" | "not_applicable" | "not_measured";
export interface Pack {
  id: string;
  edition: string;
  title_en: string;
  title_zh: string;
  indicators: number;
}
export interface Indicator {
  id: string;
  clause: string;
  title_zh: string;
  title_en: string;
  measure: string | null;
  value: number | null;
  lower: number | null;
  upper: number | null;
  unit?: string | null;
  threshold: unknown;
  points: [number, number] | null;
  max_points: number | null;
  verdict: Verdict;
  run?: string | null;
  note?: string | null;
  note_en?: string | null;
  note_zh?: string | null;
}
export interface Scorecard {
  pack: string;
  edition: string;
  park: string;
  at: string;
  indicators: Indicator[];
  totals: Record<string, unknown>;
}

export interface ParkEvent {
  id: string;
  kind: string;
  at: string;
  lon: number;
  lat: number;
  h_m: number;
  severity: "info" | "warning" | "alarm" | string;
  status: string;
  device_id: string | null;
  building_id: string | null;
  storey_id: string | null;
  message_en: string;
  message_zh: string;
  seen_by?: string[];
}
export type LiveMessage = { type: "event"; event: ParkEvent } | { type: "hello"; revision: number | string };

export interface Sighting {
  id: string;
  sees: boolean;
  px_per_m: number | null;
  distance_m: number | null;
  level: string | null;
  blocked_by: string | null;
  reason: string | null;
}

export interface SourceInfo {
  name: string;
  importer: string;
  at: string;
  /** The version the park shows. */
  version: number;
  versions: number;
  layers: { id: string; kind: string; features: number }[];
  models: string[];
  devices: number;
  issues: number;
}
export interface VersionInfo {
  number: number;
  at: string;
  importer: string;
  is_current: boolean;
}
export type ChangeKind = "added" | "removed" | "moved" | "reshaped" | "changed" | "renamed_id";
export interface Change {
  id: string;
  what: "element" | "space" | "storey" | "group" | "feature" | "device";
  name: string;
  kinds: ChangeKind[];
  model_or_layer: string;
  ifc_class: string | null;
  was_id: string | null;
  distance_m: number | null;
  fields: Record<string, [unknown, unknown]>;
  lonlat_h: LonLatH | null;
}
/** What changed between two versions of a source. */
export interface Difference {
  source: string;
  versions: [number, number];
  summary: Record<ChangeKind | "unchanged", number>;
  placement: { model_id: string; distance_m: number; rotation_deg: number }[];
  changes: Change[];
}

export interface Problem {
  type: string;
  title?: string;
  status: number;
  detail: string;
  hint?: string;
}
