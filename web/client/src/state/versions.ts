/** The versions of what is chosen, and two of them beside each other. */
import type { Change, ChangeKind, Difference, SourceInfo } from "../api/types";
import { attempt } from "./problems";
import { source } from "./source";
import { type Look, get, set } from "./store";

/** What is listed first: what is new, then what is gone, then what is otherwise. */
const ORDER: ChangeKind[] = ["added", "removed", "moved", "reshaped", "changed", "renamed_id"];

/** The source that a model came from. */
export function sourceOfModel(sources: SourceInfo[], model: string): SourceInfo | null {
  return sources.find((one) => one.models.includes(model)) ?? null;
}

/** How the map shows a change; another id alone is nothing to see. */
export function lookOf(kinds: ChangeKind[]): Look | null {
  if (kinds.includes("added")) return "added";
  if (kinds.includes("removed")) return "removed";
  return kinds.some((kind) => kind !== "renamed_id") ? "changed" : null;
}

/** Element id → how it is shown. */
export function looksOf(changes: Change[]): Map<string, Look> {
  const looks = changes.flatMap((change): [string, Look][] => {
    const look = change.what === "element" ? lookOf(change.kinds) : null;
    return look ? [[change.id, look]] : [];
  });
  return new Map(looks);
}

/** Elements before what holds them, each in the order of what became of them; what has another id and nothing else comes last. */
export function ordered(changes: Change[]): Change[] {
  const rank = (change: Change): number => {
    const first = Math.min(...change.kinds.filter((kind) => kind !== "renamed_id" || change.kinds.length === 1).map((kind) => ORDER.indexOf(kind)));
    return first * 2 + (change.what === "element" ? 0 : 1);
  };
  return [...changes].sort((a, b) => rank(a) - rank(b));
}

/** Puts two versions beside each other; the map colours what differs. */
export async function compareVersions(name: string, from: number, to: number): Promise<void> {
  const difference = await attempt(() => source().difference(name, from, to));
  if (difference && get().selection) set({ comparison: { difference, looks: looksOf(difference.changes), left: leavesBodies(difference) ? source().bodiesLeft(name, from, to) : "" } });
}

function leavesBodies(difference: Difference): boolean {
  const kinds: ChangeKind[] = ["removed", "moved", "reshaped"];
  return difference.changes.some((change) => change.what === "element" && change.kinds.some((kind) => kinds.includes(kind)));
}

export function endComparison(): void {
  set({ comparison: null });
}
