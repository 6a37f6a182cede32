/** Saying that parts of models did not come: each once, however often it is tried, and many at once in one sentence. */
import { t } from "../i18n";
import type { LostTile } from "../tiles/park-tileset";
import { notify } from "./problems";

const GATHERED_MS = 600;

const said = new Set<string>();
const fresh: LostTile[] = [];

export function sayLost(lost: LostTile): void {
  if (said.has(lost.url)) return;
  said.add(lost.url);
  if (fresh.push(lost) === 1) setTimeout(say, GATHERED_MS);
}

function say(): void {
  const [first, ...others] = fresh.splice(0);
  if (!first) return;
  const name = decodeURIComponent(first.url.split("?")[0]!.split("/").slice(-2).join("/"));
  if (/glTF version 1/.test(first.message)) notify(t("problem.gltf1", { name }));
  else notify(others.length ? t("problem.tiles", { name, count: others.length }) : t("problem.tile", { name }));
}
