/** The park as its server tells it. */
import type { Feature } from "geojson";

import { connectLive } from "./live";
import type { Source } from "./source";
import type { Problem } from "./types";

/** What went wrong, as one sentence for a person, and what to do about it. */
export class ProblemError extends Error {
  readonly status: number;
  readonly hint: string | undefined;
  readonly code: string;

  constructor(problem: Partial<Problem>, status: number) {
    super(problem.detail ?? problem.title ?? "");
    this.status = status;
    this.hint = problem.hint;
    this.code = problem.type?.split("/").pop() ?? (status === 0 ? "unreachable" : "unexpected");
  }
}

/** A source over HTTP; `language` is asked at every request, so that answers follow the page. */
export function httpSource(language: () => string): Source {
  const request = async <T>(path: string, init: RequestInit = {}): Promise<T> => {
    const headers = { Accept: "application/json", "Accept-Language": language() === "zh" ? "zh-CN" : "en", ...init.headers };
    let response: Response;
    try {
      response = await fetch(path, { ...init, headers });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new ProblemError({}, 0);
    }
    if (!response.ok) throw new ProblemError(await response.json().catch(() => ({})), response.status);
    return (await response.json()) as T;
  };
  const get = <T>(path: string, query: Record<string, string | number> = {}): Promise<T> => {
    const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
    return request<T>(search.size ? `${path}?${search}` : path);
  };
  const post = <T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> =>
    request<T>(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), ...(signal ? { signal } : {}) });
  const list = async <T>(path: string, member: string, query: Record<string, string | number> = {}): Promise<T[]> => {
    const answer = await get<T[] | Record<string, T[]>>(path, query);
    return Array.isArray(answer) ? answer : (answer[member] ?? []);
  };
  const of = encodeURIComponent;
  return {
    canCompute: true,
    park: () => get("/api/park"),
    scene: () => get("/api/scene"),
    terrain: (park) => (park.terrain ? get(park.terrain) : Promise.resolve(null)),
    layers: () => list("/api/layers", "layers"),
    buildings: () => list("/api/buildings", "buildings"),
    storeys: (building) => list(`/api/buildings/${of(building)}/storeys`, "storeys"),
    devices: () => list("/api/devices", "devices"),
    device: (id) => get(`/api/devices/${of(id)}`),
    element: (id) => get(`/api/elements/${of(id)}`),
    feature: (layer, id) => get<Feature>(`/api/layers/${of(layer)}/features/${of(id)}`),
    search: (text) => list("/api/search", "results", { q: text }),
    sees: (lon, lat, h) => list("/api/sees", "cameras", { lon, lat, h }),
    measures: () => list("/api/measures", "measures"),
    measure: (id, parameters, signal) => post(`/api/measures/${of(id)}`, { parameters }, signal),
    surfaces: () => list("/api/surfaces", "surfaces"),
    result: (run) => get(`/api/results/${of(run)}`),
    gaps: (run) => get(`/api/results/${of(run)}/gaps`),
    samples: (run) => get(`/api/results/${of(run)}/samples`),
    packs: () => list("/api/packs", "packs"),
    scorecard: (pack) => get(`/api/scorecards/${of(pack)}`),
    events: (limit) => list("/api/events", "events", { limit }),
    sources: () => list("/api/sources", "sources"),
    versions: (source) => list(`/api/sources/${of(source)}/versions`, "versions"),
    difference: (source, from, to) => get("/api/diff", { source, from, to }),
    bodiesLeft: (source, from, to) => `/api/sources/${of(source)}/versions/${from}/until/${to}/tileset.json`,
    qualityPage: (language) => `/quality?lang=${language}`,
    evidence: (run) => `/api/evidence/${encodeURIComponent(run)}`,
    preview: (question) => post("/api/scenarios/preview", question),
    keepScenario: (name, changes) => post("/api/scenarios", { name, changes }),
    live: (onMessage, onState) => connectLive("/api/live", onMessage, onState),
  };
}
