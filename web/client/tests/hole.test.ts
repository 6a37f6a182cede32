import { describe, expect, it } from "vitest";

import { edgesAbout, holeOf } from "../src/layers/hole";
import { offset } from "../src/map/earth";

const [LON, LAT] = [104.06, 30.54];
const place = (x: number, y: number): [number, number] => offset(LON, LAT, x, y);
const ring = [place(0, 0), place(20, 0), place(20, 10), place(0, 10), place(0, 0)];
const courtyard = [place(5, 3), place(5, 6), place(9, 6), place(9, 3), place(5, 3)];
const building = { id: "B1", lon: LON, lat: LAT, footprint: { type: "Polygon", coordinates: [ring, courtyard] } };
const ground = { heightAt: () => 2, lowest: 2, isFlat: true, grid: null };

/** What the shader asks: an odd number of edges east of the point. */
function isTaken(edges: Float32Array, x: number, y: number): boolean {
  let inside = false;
  for (let i = 0; i < edges.length; i += 4) {
    const [ax, ay, bx, by] = edges.slice(i, i + 4) as unknown as [number, number, number, number];
    if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside = !inside;
  }
  return inside;
}

function hole(change: object, openBuilding: object | null = building): ReturnType<typeof holeOf> {
  const storeys = [
    { id: "B1F", base_h_m: -2 },
    { id: "1F", base_h_m: 2.2 },
  ];
  const state = { cameraMode: "overview", storeyId: null, storeys, ...change };
  return holeOf({ state, openBuilding, ground, originHeight: 0 } as never);
}

describe("the hole in the ground", () => {
  it("is there for a storey below ground and from below, and for nothing else", () => {
    expect(hole({ storeyId: "B1F" })).toHaveLength(2);
    expect(hole({ cameraMode: "underground" })).toHaveLength(2);
    expect(hole({ storeyId: "1F" })).toHaveLength(0);
    expect(hole({})).toHaveLength(0);
    expect(hole({ cameraMode: "underground" }, null)).toHaveLength(0);
  });

  it("counts storeys from the origin's height", () => {
    const state = { cameraMode: "overview", storeyId: "B1F", storeys: [{ id: "B1F", base_h_m: 497 }] };
    const at = (originHeight: number): number => holeOf({ state, openBuilding: building, ground, originHeight } as never).length;
    expect(at(500)).toBe(2);
    expect(at(480)).toBe(0);
  });

  it("is as large as the footprint, courtyards left", () => {
    const edges = edgesAbout(hole({ storeyId: "B1F" }), LON, LAT);
    expect(isTaken(edges, 2, 2)).toBe(true);
    expect(isTaken(edges, 19.9, 9.9)).toBe(true);
    expect(isTaken(edges, 7, 4)).toBe(false);
    expect(isTaken(edges, 20.2, 5)).toBe(false);
    expect(isTaken(edges, -0.1, 5)).toBe(false);
  });

  it("stays the same object while nothing changes, so that it goes to the card once", () => {
    expect(hole({ storeyId: "B1F" })).toBe(hole({ storeyId: "B1F" }));
    expect(hole({})).toBe(hole({ storeyId: "1F" }));
  });
});
