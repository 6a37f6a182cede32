/** Where the page gets what it shows: a server, or a bundle inside the page. */
import type {
  Building,
  Device,
  DeviceChange,
  Difference,
  Element,
  GapFeatures,
  LayerInfo,
  LiveMessage,
  Measure,
  Pack,
  Park,
  ParkEvent,
  Preview,
  PreviewQuestion,
  Result,
  Samples,
  ScenarioInfo,
  Scene,
  Scorecard,
  SearchHit,
  Sighting,
  SourceInfo,
  Storey,
  SurfaceInfo,
  TerrainGrid,
  VersionInfo,
} from "./types";
import type { Feature } from "geojson";

export interface Source {
  park(): Promise<Park>;
  scene(): Promise<Scene>;
  /** The ground, where the park says it knows it. */
  terrain(park: Park): Promise<TerrainGrid | null>;
  layers(): Promise<LayerInfo[]>;
  buildings(): Promise<Building[]>;
  storeys(building: string): Promise<Storey[]>;
  devices(): Promise<Device[]>;
  device(id: string): Promise<Device>;
  element(id: string): Promise<Element>;
  feature(layer: string, id: string): Promise<Feature>;
  search(text: string): Promise<SearchHit[]>;
  sees(lon: number, lat: number, h: number): Promise<Sighting[]>;
  measures(): Promise<Measure[]>;
  measure(id: string, parameters: Record<string, unknown>, signal?: AbortSignal): Promise<Result>;
  /** Surfaces that measures of areas can be asked of by name. */
  surfaces(): Promise<SurfaceInfo[]>;
  result(run: string): Promise<Result>;
  gaps(run: string): Promise<GapFeatures>;
  samples(run: string): Promise<Samples>;
  packs(): Promise<Pack[]>;
  scorecard(pack: string): Promise<Scorecard>;
  events(limit: number): Promise<ParkEvent[]>;
  sources(): Promise<SourceInfo[]>;
  versions(source: string): Promise<VersionInfo[]>;
  difference(source: string, from: number, to: number): Promise<Difference>;
  /** Where the tileset of the bodies is that a later version removed, moved or reshaped. */
  bodiesLeft(source: string, from: number, to: number): string;
  /** Where the report on the models' quality is; null where there is none. */
  readonly qualityPage: ((language: string) => string) | null;
  /** Where the evidence of a run is, to be computed again elsewhere; null where there is none. */
  readonly evidence: ((run: string) => string) | null;
  /** What changes to devices would give, kept nowhere; null where nothing can be computed. */
  readonly preview: ((question: PreviewQuestion) => Promise<Preview>) | null;
  /** Keeps changes to devices under a name; null where nothing can be kept. */
  readonly keepScenario: ((name: string, changes: DeviceChange[]) => Promise<ScenarioInfo>) | null;
  /** Calls back with what happens, and whether the line is up; answers how to stop. */
  live(onMessage: (message: LiveMessage) => void, onState: (isUp: boolean) => void): () => void;
  /** Whether measures can be computed anew. */
  readonly canCompute: boolean;
}
