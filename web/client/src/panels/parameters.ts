/** Parameters of measures as people read them: which come first, what their values are called, and what there is to choose from. */
import type { LayerInfo, MeasureParameter, SurfaceInfo } from "../api/types";
import { t, word } from "../i18n";
import { inLanguage } from "../i18n/bilingual";
import { unitName } from "../i18n/format";
import type { Language } from "../i18n";

/** What most people change, the first before the others. */
const COMMON = [
  "surface", "mode", "rule", "count", "parts", "kinds", "classes", "technologies", "road_class", "min_lod", "aggregate", "scope", "density_px_per_m", "level", "rssi_dbm",
  "rsrp_dbm", "sinr_db", "operators", "bands", "reach_m", "max_walk_m", "match_distance_m", "distance_m", "min_height_m", "light", "near_m", "luminaires",
]; // prettier-ignore
const SHOWN = 5;
const WORDED = /^[a-z][a-z0-9_]*$/;

/** The parameters that are shown at once, and those behind "more"; what somebody has changed is always shown. */
export function inOrder(parameters: MeasureParameter[], given: Record<string, unknown>): { first: MeasureParameter[]; more: MeasureParameter[] } {
  const rank = (one: MeasureParameter): number => (COMMON.indexOf(one.name) + 1 || COMMON.length + 1);
  const common = [...parameters].sort((a, b) => rank(a) - rank(b)).slice(0, SHOWN);
  const isFirst = (one: MeasureParameter): boolean => (common.includes(one) && rank(one) <= COMMON.length) || one.name in given || parameters.length <= SHOWN + 1;
  return { first: parameters.filter(isFirst).sort((a, b) => rank(a) - rank(b)), more: parameters.filter((one) => !isFirst(one)) };
}

/** A value in words: what a parameter calls it, else what anybody does, else as it is. */
export function valueName(parameter: string, value: unknown): string {
  if (value === null || value === undefined) return t("measure.auto");
  if (typeof value === "boolean") return t(value ? "detail.yes" : "detail.no");
  const text = String(value);
  if (!WORDED.test(text)) return text;
  const sections = [`choice.${parameter}_${text}`, `choice.${text}`, `position.${text}`, `surface.${text}`, `deviceKind.${text}`];
  return sections.reduce((found, key) => found || word(key, ""), "") || text;
}

/** A parameter's value with its unit, lists as lists. */
export function parameterText(name: string, value: unknown, unit = ""): string {
  if (Array.isArray(value)) return value.length ? value.map((one) => valueName(name, one)).join(" · ") : "–";
  if (value === null || value === undefined) return "–";
  if (typeof value === "object") return JSON.stringify(value);
  return typeof value === "number" ? `${value} ${unitName(unit === "share" ? "" : unit)}`.trim() : valueName(name, value);
}

export interface Choice {
  value: string;
  label: string;
}

/** The surfaces a measure can be asked of: those with a name of their own, the layers of areas, and the storey or room one looks at. */
export function surfaceChoices(surfaces: SurfaceInfo[], layers: LayerInfo[], here: { storey: Choice | null; space: Choice | null }, language: Language): { label: string; options: Choice[] }[] {
  const title = (one: { title_en: string; title_zh: string }): string => (language === "zh" ? one.title_zh : one.title_en);
  const areas = layers.filter((layer) => (layer.geometry === "polygon" || layer.geometry === "mixed") && layer.features > 0);
  return [
    { label: t("measure.surfaces"), options: surfaces.map((one) => ({ value: one.id, label: word(`surface.${one.id}`, title(one)) })) },
    { label: t("measure.here"), options: [here.storey, here.space].filter((one): one is Choice => one !== null) },
    { label: t("left.layers"), options: areas.map((layer) => ({ value: `layer:${layer.id}`, label: inLanguage(title(layer), language) })) },
  ].filter((group) => group.options.length > 0);
}

/** What may stand in a list, beside what its default holds. */
const LISTS: Record<string, string[]> = {
  statuses: ["in_service", "planned", "reserved", "out_of_service"],
  kinds: [],
  parts: ["hydrants", "storeys"],
  barred: ["building", "barrier", "water"],
};

export function listChoices(parameter: MeasureParameter): Choice[] {
  const own = Array.isArray(parameter.default) ? parameter.default.map(String) : [];
  return [...new Set([...own, ...(LISTS[parameter.name] ?? [])])].map((value) => ({ value, label: valueName(parameter.name, value) }));
}
