import { describe, expect, it } from "vitest";

import type { Building, Park } from "../src/api/types";
import { degreesPerMetre } from "../src/map/earth";
import { groundOf } from "../src/map/ground";
import { lift, lonLatInTile } from "../src/layers/vector";
import { treeSize } from "../src/layers/trees";

const metres = degreesPerMetre(30);
const park = { origin: [104, 30, 100], extent: [104, 30, 104 + 1000 * metres.longitude, 30 + 1000 * metres.latitude] } as unknown as Park;
const foot = (east: number, north: number, h: number): Building =>
  ({ id: `${east}/${north}`, lon: 104 + east * metres.longitude, lat: 30 + north * metres.latitude, base_h_m: h }) as unknown as Building;

describe("the ground", () => {
  it("is a plane where all feet are level", () => {
    const ground = groundOf(park, [foot(100, 100, 103), foot(900, 900, 103.1)], []);
    expect(ground.isFlat).toBe(true);
    expect(ground.heightAt(104, 30)).toBeCloseTo(3.1);
  });

  it("follows feet on a slope and passes through them", () => {
    const feet = Array.from({ length: 100 }, (_, i) => foot((i % 10) * 100 + 50, Math.floor(i / 10) * 100 + 50, 100 + ((i % 10) * 100 + 50) / 50));
    const ground = groundOf(park, feet, []);
    expect(ground.isFlat).toBe(false);
    for (const one of feet.slice(40, 50)) expect(ground.heightAt(one.lon, one.lat)).toBeCloseTo(one.base_h_m - 100, 0);
  });

  it("takes no notice of a garage below it", () => {
    const around = [foot(400, 400, 102), foot(600, 400, 102.5), foot(400, 600, 102), foot(600, 600, 102.5), foot(500, 300, 102.4)];
    const ground = groundOf(park, [...around, foot(500, 500, 92)], []);
    expect(ground.lowest).toBeCloseTo(2);
  });

  it("is the server's where the server knows it", () => {
    const terrain = { west: 104, south: 30, east: 104.01, north: 30.01, columns: 2, rows: 2, heights: [100, 110, 120, null] };
    const ground = groundOf(park, [foot(1, 1, 500)], [], terrain);
    expect(ground.heightAt(104, 30)).toBeCloseTo(0);
    expect(ground.heightAt(104.005, 30)).toBeCloseTo(5);
    expect(ground.heightAt(104.01, 30.01)).toBeCloseTo(10); // the mean of what is known
  });
});

describe("vector tiles", () => {
  it("know where on the globe their corners are", () => {
    const [west, north] = lonLatInTile({ x: 0, y: 0, z: 1 }, 0, 0);
    expect([west, Math.round(north * 1000) / 1000]).toEqual([-180, 85.051]);
    expect(lonLatInTile({ x: 1, y: 1, z: 1 }, 0, 0)).toEqual([0, 0]);
  });

  it("are lifted by metres, and down again by their depth", () => {
    const ground = { heightAt: () => 30, lowest: 30, isFlat: true, grid: null };
    const positions = { value: new Float32Array([0, 0, 1, 1]), size: 2 };
    lift(positions, { x: 1, y: 1, z: 1 }, ground, (vertex) => vertex * 10);
    expect(positions.size).toBe(3);
    expect([positions.value[2], positions.value[5]]).toEqual([30, 20]);
  });
});

it("a tree without sizes is a young street tree", () => {
  expect(treeSize(undefined)).toEqual([7, 4.5]);
  expect(treeSize({ height_m: "10", crown_m: 6.5 })).toEqual([10, 6.5]);
});
