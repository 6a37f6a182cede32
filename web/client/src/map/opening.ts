/** Opening one thing by what it is: a hit of the search, or the `?select=` of an address. */
import type { SearchHit } from "../api/types";
import { chooseStorey, openBuilding, select } from "../state/selection";
import { source } from "../state/source";
import { get } from "../state/store";
import { flyToBuilding, flyToPlace, whenMap } from "./flight";
import { contains, extentOf } from "./outlines";

/** Flies to what was found and opens it. */
export async function openHit(hit: SearchHit): Promise<void> {
  if (hit.type === "building") {
    select({ type: "building", id: hit.id, detail: null });
    flyToBuilding(hit.id);
    return;
  }
  if (hit.type === "device") select({ type: "device", id: hit.id, detail: null });
  else if (hit.type === "element") select({ type: "element", id: hit.id, class: hit.detail ?? "", name: hit.name, building: null, model: null, detail: null });
  else if (hit.type === "feature" && hit.layer) select({ type: "feature", id: hit.id, layer: hit.layer, detail: null });
  else if (hit.type === "space") await openSpace(hit);
  if (hit.lon !== null && hit.lat !== null) flyToPlace([hit.lon, hit.lat, hit.h_m ?? 0], hit.type === "feature" ? 90 : 25);
}

/** A room is found through the building whose storeys hold it. */
async function openSpace(hit: SearchHit): Promise<void> {
  const place: [number, number] = [hit.lon ?? NaN, hit.lat ?? NaN];
  const around = get().buildings.filter((one) => contains(one.footprint, place) && (one.models.length > 0 || one.city_models?.length));
  for (const building of around.length ? around : get().buildings.filter((one) => one.models.length > 0)) {
    const storeys = await source().storeys(building.id);
    const storey = storeys.find((one) => one.spaces.some((space) => space.id === hit.id));
    if (!storey) continue;
    await openBuilding(building.id);
    chooseStorey(storey.id);
    select({ type: "space", id: hit.id, building: building.id });
    return;
  }
}

/** What `?select=type:id` of an address asks for: element, space, building, device, or feature with its id as layer/feature. */
export function askedFor(search: string): { type: string; id: string } | null {
  const asked = new URLSearchParams(search).get("select") ?? "";
  const colon = asked.indexOf(":");
  return colon > 0 && colon < asked.length - 1 ? { type: asked.slice(0, colon), id: asked.slice(colon + 1) } : null;
}

/** Opens what an address asks for; nothing where the park does not have it. */
export async function openAsked(asked: { type: string; id: string }): Promise<void> {
  await whenMap();
  const bare = { id: asked.id, name: "", detail: null, lon: null, lat: null, h_m: null } as unknown as SearchHit;
  if (asked.type === "element") {
    const found = await source().element(asked.id).catch(() => null);
    if (!found) return;
    if (found.class === "Building") return openHit({ ...bare, type: "building" });
    const [lon, lat, h_m] = found.lonlat_h ?? [null, null, null];
    return openHit({ ...bare, type: "element", name: found.name, detail: found.class, lon, lat, h_m });
  }
  if (asked.type === "device") {
    const found = get().devices.find((device) => device.id === asked.id);
    return found && openHit({ ...bare, type: "device", name: found.name, lon: found.lon, lat: found.lat, h_m: found.h_m });
  }
  if (asked.type === "feature") {
    const [layer, id] = [asked.id.slice(0, asked.id.indexOf("/")), asked.id.slice(asked.id.indexOf("/") + 1)];
    const found = await source().feature(layer, id).catch(() => null);
    if (!found) return;
    select({ type: "feature", layer, id, detail: null });
    const extent = found.geometry ? extentOf(found.geometry) : null;
    return extent ? flyToPlace([...extent.middle, 0], Math.max(20, extent.radius)) : undefined;
  }
  if (asked.type === "model") {
    const building = get().buildings.find((one) => one.models.includes(asked.id));
    return building && openHit({ ...bare, id: building.id, type: "building" });
  }
  if (asked.type === "building" || asked.type === "space") return openHit({ ...bare, type: asked.type });
}
