/**
 * The bundle: everything one page needs to show a park with no server and no request.
 *
 * `twin export --format html` writes it as `window.PARKTWIN` beside the inlined script of this client and calls
 * `Parktwin.start(document.getElementById("app"), window.PARKTWIN)`. Apart from `meshes`, `features` and `version` each member is
 * exactly what the path named beside it answers, so the server's own functions make it. Escape `</` as `<\/` when embedding.
 *
 * The scene stays as `/api/scene` gives it. The page swaps the data by id: a layer of the type `ParkTileset` is drawn from
 * `meshes[id]`, one of the type `MVTLayer` from `features[id]`, where `id` is the layer's id in the scene. A layer with neither is left
 * out, its toggle too.
 */
import type { Feature, FeatureCollection } from "geojson";

import type {
  Building,
  Device,
  Element,
  GapFeatures,
  LayerInfo,
  Measure,
  Pack,
  Park,
  ParkEvent,
  Result,
  Samples,
  Scene,
  Scorecard,
  Storey,
  TerrainGrid,
} from "../api/types";

/** One glb as the tile server writes it, base64, and where it stands: its tile's transform to ECEF, 16 numbers, column-major. */
export interface MeshTile {
  glb: string;
  transform: number[];
}

export interface Bundle {
  version: 1;
  /** "zh" or "en"; without it the browser's language decides. */
  language?: "zh" | "en";
  theme?: "light" | "dark";
  /** /api/park */
  park: Park;
  /** /api/scene */
  scene: Scene;
  /** The ground, as the path in /api/park's `terrain` answers it. */
  terrain?: TerrainGrid | null;
  /** /api/layers */
  layers: LayerInfo[];
  /** Scene layer id ("layer/<layer id>") → its features, each with the properties a vector tile would carry. */
  features: Record<string, FeatureCollection>;
  /** Scene layer id ("buildings", "model/<model id>") → its leaf tiles. */
  meshes: Record<string, MeshTile[]>;
  /** /api/buildings */
  buildings: Building[];
  /** Building id → /api/buildings/{id}/storeys */
  storeys?: Record<string, Storey[]>;
  /** /api/devices → "devices", cameras with their `field_of_view` */
  devices?: Device[];
  /** GlobalId → /api/elements/{id}; without an entry the click shows what the tile's property table knows. */
  elements?: Record<string, Element>;
  /** /api/measures, to name what was measured */
  measures?: Measure[];
  /** What was measured: the result with its gaps and, if wanted, its samples. */
  results?: { result: Result; gaps: GapFeatures; samples?: Samples }[];
  /** /api/packs */
  packs?: Pack[];
  scorecards?: Scorecard[];
  /** /api/events → "events" */
  events?: ParkEvent[];
  /** Any other single features by "<layer id>/<feature id>"; the page falls back to `features`. */
  details?: Record<string, Feature>;
}
