/** The measures by what they are about, for the list to choose from. */
import type { Measure } from "../api/types";

export type Group = "security" | "network" | "energy" | "information" | "fire" | "model" | "services" | "other";

const GROUPS: [Group, RegExp][] = [
  ["security", /^(camera|alarm|perimeter)_/],
  ["network", /^(wifi|mobile|fiveg|iot|duct)_/],
  ["energy", /^(charging|lighting|smart_pole)_/],
  ["information", /^(display|broadcast)_/],
  ["fire", /^(fire|hydrant)_/],
  ["model", /^model_/],
  ["services", /^office_/],
];

export function groupOf(measure: string): Group {
  return GROUPS.find(([, name]) => name.test(measure))?.[0] ?? "other";
}

/** Groups in their order, each with its measures in theirs; empty groups are left out. */
export function grouped(measures: Measure[]): { group: Group; measures: Measure[] }[] {
  const order: Group[] = [...GROUPS.map(([group]) => group), "other"];
  return order.map((group) => ({ group, measures: measures.filter((one) => groupOf(one.id) === group) })).filter((one) => one.measures.length > 0);
}
