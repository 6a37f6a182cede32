import { expect, it } from "vitest";

import { isShown } from "../src/layers/devices";
import { centre } from "../src/map/outlines";
import { placeLabels } from "../src/layers/labels";
import { roomTint } from "../src/map/palette";
import { searchBundle } from "../src/export/source";
import type { Bundle } from "../src/export/bundle";
import type { Device } from "../src/api/types";

const label = (id: string, x: number, y: number) => ({ id, text: "云溪大厦", place: [x, y, 0] as [number, number, number] });
const flat = ([x, y]: readonly number[]): [number, number, number] => [x!, y!, 1];

it("of two labels at one place the more important stays", () => {
  const placed = placeLabels([label("high", 100, 100), label("low", 110, 104), label("far", 400, 300)], flat, { width: 800, height: 600 });
  expect([...placed.keys()]).toEqual(["high", "far"]);
});

it("labels outside the window and behind the eye are left out", () => {
  const placed = placeLabels([label("a", -5, 10), label("b", 10, 10)], () => null, { width: 800, height: 600 });
  expect(placed.size).toBe(0);
  expect(placeLabels([label("a", -5, 10)], flat, { width: 800, height: 600 }).size).toBe(0);
});

it("indoor devices come with their storey, outdoor ones stay until one goes in", () => {
  const outdoor = { storey_id: null, building_id: null } as Device;
  const indoor = { storey_id: "2F", building_id: "B1" } as Device;
  const onWall = { storey_id: null, building_id: "B1" } as Device;
  expect([outdoor, indoor, onWall].map((device) => isShown(device, null, null))).toEqual([true, false, true]);
  expect([outdoor, indoor, onWall].map((device) => isShown(device, "B1", "2F"))).toEqual([true, true, false]);
  expect(isShown(indoor, "B1", "1F")).toBe(false);
});

it("the middle of a room is the centroid of its outline", () => {
  const ring = [[0, 0], [4, 0], [4, 2], [0, 2], [0, 0]]; // prettier-ignore
  expect(centre(ring)).toEqual([2, 1]);
  expect(centre([[3, 5]])).toEqual([3, 5]);
});

it("rooms are tinted by use in either language", () => {
  expect(roomTint("办公室", "light")).toEqual(roomTint("open office", "light"));
  expect(roomTint("卫生间", "light")).not.toEqual(roomTint("走廊", "light"));
});

it("a bundle is searched by names, ids and rooms", () => {
  const bundle = {
    buildings: [{ id: "B09", name: "Yunxi Tower", name_zh: "云溪大厦", lon: 1, lat: 2, base_h_m: 3 }],
    storeys: { B09: [{ id: "s1", spaces: [{ id: "r1", name: "F06-01", long_name: "云溪会议室", floor_h_m: 1 }] }] },
    devices: [{ id: "CAM-1", name: "东门", kind: "camera", lon: 1, lat: 2, h_m: 3, storey_id: null }],
  } as unknown as Bundle;
  expect(searchBundle(bundle, "云溪").map((hit) => hit.id)).toEqual(["B09", "r1"]);
  expect(searchBundle(bundle, "cam-1").map((hit) => hit.type)).toEqual(["device"]);
});
