/** From what lies under the pointer to what is chosen. */
import type { PickingInfo } from "@deck.gl/core";

import type { Row } from "../tiles/loader";
import { registeredFeature } from "../tiles/registered-tileset";
import type { Selection } from "../state/store";

type Props = Record<string, unknown>;

/** What a pick stands for; null for the ground, for signs that mean nothing by themselves, and for empty sky. */
export function meaningOf(info: PickingInfo | null, buildingId: string | null): Selection | { type: "gap"; id: string } | null {
  if (!info?.picked || !info.layer) return null;
  const id = info.layer.id;
  const object = info.object as Props | undefined;
  if (!object) return null;
  if (id === "buildings" || id.startsWith("model/") || id.startsWith("city/")) return ofRow(object as Row, id);
  const mesh = registeredFeature(id);
  if (mesh) return { type: "feature", layer: mesh.layer, id: mesh.feature, detail: null };
  if (id.startsWith("tubes/") || id.startsWith("points/")) return { type: "feature", layer: id.slice(id.indexOf("/") + 1), id: String(object.id), detail: null };
  if (id.startsWith("devices/")) return { type: "device", id: String(object.id), detail: null };
  if (id.startsWith("events/")) return { type: "event", id: String(object.id) };
  if (id.startsWith("answer/gaps")) return { type: "gap", id: String((object.properties as Props | undefined)?.id ?? "") };
  if (id === "interior/rooms") return { type: "space", id: String((object.space as Props).id), building: buildingId ?? "" };
  if (id.startsWith("layer/")) {
    const properties = (object.properties ?? {}) as Props;
    return { type: "feature", layer: id.slice("layer/".length).replace(/\/casing$/, ""), id: String(properties.id ?? object.id), detail: null };
  }
  return null;
}

function ofRow(row: Row, layer: string): Selection | null {
  if (!row.id) return null;
  if (layer === "buildings" || row.class === "Building") return { type: "building", id: String(row.building || row.id), detail: null };
  const model = row.model ?? layer.slice(layer.indexOf("/") + 1);
  return { type: "element", id: String(row.id), class: row.class ?? "", name: row.name ?? "", building: row.building || null, model, detail: null };
}
