import { describe, expect, it } from "vitest";

import { towards } from "../src/map/double-click";
import { degreesPerMetre, distance, lowering, metresPerPixel, offset, scaleDenominator, trueMetres, zoomFor } from "../src/map/earth";
import { type Camera, depthRange, enter, eyeDistance, nearPlane } from "../src/map/views";

const camera: Camera = { longitude: 104.06, latitude: 30.54, zoom: 17, pitch: 50, bearing: 20, position: [0, 0, 2] };

describe("the earth", () => {
  it("is the ellipsoid: a degree at 30° is as long as the tables say", () => {
    // Bomford's series for WGS 84: 96 486.3 m of longitude, 110 852.4 m of latitude
    expect(1 / degreesPerMetre(30).longitude).toBeCloseTo(96486.3, 0);
    expect(1 / degreesPerMetre(30).latitude).toBeCloseTo(110852.4, 0);
  });

  it("measures back what it laid off", () => {
    const there = offset(104.06, 30.54, 300, -400);
    expect(distance([104.06, 30.54], there)).toBeCloseTo(500, 2);
  });

  it("stretches deck.gl's metres as client tests found: 0.41 % north at 30.5°", () => {
    const [east, north] = trueMetres(30.5);
    expect(1 - east).toBeCloseTo(0.00086, 4);
    expect(north - 1).toBeCloseTo(0.0041, 4);
  });

  it("zooms so that a length fills the pixels", () => {
    const zoom = zoomFor(250, 500, 30.54);
    expect(metresPerPixel(zoom, 30.54)).toBeCloseTo(0.5, 6);
  });

  it("tells the scale in round numbers", () => {
    expect(scaleDenominator(zoomFor(0.6 * 1000, 1000, 0), 0) % 100).toBe(0);
  });

  it("lowers along the vertical of the place", () => {
    const matrix = lowering(90, 0, 10);
    expect(matrix.slice(12, 15).map((value) => Math.round(value * 1e6) / 1e6 + 0)).toEqual([0, -10, 0]);
  });
});

describe("the camera", () => {
  it("keeps its near plane between ten centimetres and eight metres", () => {
    expect(nearPlane({ ...camera, zoom: 24 }, 800)).toBe(0.1);
    expect(nearPlane({ ...camera, zoom: 12 }, 800)).toBe(8);
    expect(nearPlane(camera, 800)).toBeCloseTo(eyeDistance(camera, 800) / 150, 6);
  });

  it("counts depth in view heights", () => {
    const { nearZ, farZ } = depthRange(camera, 800);
    const height = 800 * metresPerPixel(17, camera.latitude);
    expect(nearZ * height).toBeCloseTo(nearPlane(camera, 800), 6);
    expect(farZ * height).toBeGreaterThanOrEqual(8000);
  });

  it("stands at eye height when it walks, and flat when it draws a plan", () => {
    expect(enter("walk", camera, 3).position[2]).toBeCloseTo(4.6);
    expect(enter("plan", camera, 3)).toMatchObject({ pitch: 0, bearing: 0 });
    expect(enter("underground", camera, 3).pitch).toBeGreaterThan(90);
    expect(enter("overview", { ...camera, pitch: 105 }, 0).pitch).toBe(52);
  });
});

it("a double click keeps the place under it where it is", () => {
  const from = { longitude: 104, latitude: 30, zoom: 16, pitch: 0, bearing: 0, position: [0, 0, 0] as [number, number, number] };
  for (const [steps, lon, lat] of [[1, 104.001, 30.0005], [-1, 103.998, 29.999]] as const) {
    const to = towards(from, [104.002, 30.001], steps);
    expect(to.longitude).toBeCloseTo(lon, 9);
    expect(to.latitude).toBeCloseTo(lat, 9);
  }
});
