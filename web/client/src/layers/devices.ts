/** Devices as symbols, by kind. */
import { IconLayer } from "@deck.gl/layers";

import type { Device } from "../api/types";
import { isKept } from "../section/section";
import type { Trial } from "../state/store";
import type { LayerContext } from "./context";
import { ON_TOP } from "./context";
import { deviceAtlas } from "./icons";

const cache = new WeakMap<Device[], Map<string, Device[]>>();

/** Devices by kind; the same lists for the same devices, so that deck.gl sees no change. */
export function byKind(devices: Device[]): Map<string, Device[]> {
  const known = cache.get(devices);
  if (known) return known;
  const kinds = new Map<string, Device[]>();
  for (const device of devices) kinds.set(device.kind, [...(kinds.get(device.kind) ?? []), device]);
  cache.set(devices, kinds);
  return kinds;
}

/** Outdoor devices always; indoor ones with the storey they stand on. */
export function isShown(device: Device, buildingId: string | null, storeyId: string | null): boolean {
  if (!device.storey_id) return storeyId === null || device.building_id !== buildingId || !device.building_id;
  return device.storey_id === storeyId;
}

/** Where a device is drawn: where it is tried, else where it stands. */
export function placeOf(device: Device, trial: Trial | null, originHeight: number): [number, number, number] {
  const pose = trial?.poses[device.id];
  if (!pose) return [device.lon, device.lat, device.h_m - originHeight];
  const lifted = pose.height_m === null || device.height_m === null ? 0 : pose.height_m - device.height_m;
  return [pose.lon, pose.lat, device.h_m + lifted - originHeight];
}

export function deviceLayers(context: LayerContext): IconLayer<Device>[] {
  const { state, originHeight, zoomStep } = context;
  const atlas = deviceAtlas(state.theme);
  const chosen = state.selection?.type === "device" ? state.selection.id : null;
  const size = [9, 13, 21, 26][zoomStep] ?? 21;
  return [...byKind(state.devices)].map(([kind, devices]) => {
    const known = kind in atlas.mapping ? kind : "other";
    return new IconLayer<Device>({
      id: `devices/${kind}`,
      data: devices,
      visible: !state.hidden.has(`devices/${kind}`),
      iconAtlas: atlas.image as never,
      iconMapping: atlas.mapping,
      getIcon: (device) => {
        if (zoomStep < 2 && device.id !== chosen) return `${known}:dot`;
        return device.status === "in_service" ? known : `${known}:off`;
      },
      getPosition: (device) => placeOf(device, state.trial, originHeight),
      getSize: (device) => (isShown(device, state.buildingId, state.storeyId) && isKept(state.section, [device.lon, device.lat, device.h_m]) ? (device.id === chosen ? size * 1.35 : size) : 0),
      sizeUnits: "pixels",
      billboard: true,
      alphaCutoff: 0.2,
      pickable: true,
      autoHighlight: true,
      highlightColor: [255, 255, 255, 60],
      parameters: ON_TOP,
      updateTriggers: { getIcon: [zoomStep, chosen, state.theme], getSize: [size, chosen, state.buildingId, state.storeyId, state.section], getPosition: [originHeight, state.trial?.poses] },
    });
  });
}
