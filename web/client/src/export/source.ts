/** A source that answers from a bundle: no server, no request. */
import { ProblemError } from "../api/http";
import type { Source } from "../api/source";
import type { Difference, SearchHit } from "../api/types";
import type { Bundle } from "./bundle";

export function bundleSource(bundle: Bundle): Source {
  const results = bundle.results ?? [];
  const found = <T>(value: T | null | undefined): Promise<T> =>
    value === null || value === undefined ? Promise.reject(new ProblemError({ type: "/problems/not_in_bundle" }, 404)) : Promise.resolve(value);
  const ofRun = (run: string): (typeof results)[number] | undefined => results.find((one) => one.result.run === run);
  return {
    canCompute: false,
    park: () => found(bundle.park),
    scene: () => found(bundle.scene),
    terrain: () => Promise.resolve(bundle.terrain ?? null),
    layers: () => found(bundle.layers),
    buildings: () => found(bundle.buildings),
    storeys: (building) => found(bundle.storeys?.[building] ?? []),
    devices: () => found(bundle.devices ?? []),
    device: (id) => found(bundle.devices?.find((one) => one.id === id)),
    element: (id) => found(bundle.elements?.[id]),
    feature: (layer, id) =>
      found(bundle.details?.[`${layer}/${id}`] ?? bundle.features[`layer/${layer}`]?.features.find((one) => String(one.properties?.id ?? one.id) === id)),
    search: (text) => Promise.resolve(searchBundle(bundle, text)),
    sees: () => Promise.resolve([]),
    measures: () => Promise.resolve((bundle.measures ?? []).filter((measure) => results.some(({ result }) => result.measure === measure.id))),
    measure: (id) => found(results.find(({ result }) => result.measure === id)?.result),
    surfaces: () => Promise.resolve([]),
    result: (run) => found(ofRun(run)?.result),
    gaps: (run) => found(ofRun(run)?.gaps),
    samples: (run) => found(ofRun(run)?.samples),
    packs: () => Promise.resolve((bundle.packs ?? []).filter((pack) => bundle.scorecards?.some((card) => card.pack === pack.id))),
    scorecard: (pack) => found(bundle.scorecards?.find((one) => one.pack === pack)),
    events: () => Promise.resolve(bundle.events ?? []),
    sources: () => Promise.resolve([]),
    versions: () => Promise.resolve([]),
    difference: () => found<Difference>(null),
    bodiesLeft: () => "",
    qualityPage: null,
    evidence: null,
    preview: null,
    keepScenario: null,
    live: () => () => undefined,
  };
}

/** Names and ids that hold the text; those that begin with it first. */
export function searchBundle(bundle: Bundle, text: string): SearchHit[] {
  const wanted = text.toLowerCase();
  const hits: SearchHit[] = [
    ...bundle.buildings.map((one): SearchHit => ({ type: "building", id: one.id, name: one.name_zh || one.name, detail: one.name, lon: one.lon, lat: one.lat, h_m: one.base_h_m, storey_id: null })),
    ...Object.values(bundle.storeys ?? {}).flatMap((storeys) =>
      storeys.flatMap((storey) =>
        storey.spaces.map((space): SearchHit => ({ type: "space", id: space.id, name: space.long_name || space.name, detail: space.name, lon: null, lat: null, h_m: space.floor_h_m, storey_id: storey.id })),
      ),
    ),
    ...(bundle.devices ?? []).map((one): SearchHit => ({ type: "device", id: one.id, name: one.name, detail: one.kind, lon: one.lon, lat: one.lat, h_m: one.h_m, storey_id: one.storey_id })),
  ];
  const matching = hits.filter((hit) => `${hit.name} ${hit.id} ${hit.detail ?? ""}`.toLowerCase().includes(wanted));
  const rank = (hit: SearchHit): number => (hit.name.toLowerCase().startsWith(wanted) ? 0 : 1);
  return matching.sort((a, b) => rank(a) - rank(b)).slice(0, 30);
}
