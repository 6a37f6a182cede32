import { expect, it } from "vitest";

import { closedBodies, closedTriangles } from "../src/tiles/closed";

const CUBE = [
  [0, 2, 1], [0, 3, 2], [4, 5, 6], [4, 6, 7], [0, 1, 5], [0, 5, 4], [1, 2, 6], [1, 6, 5], [2, 3, 7], [2, 7, 6], [3, 0, 4], [3, 4, 7],
]; // prettier-ignore
const CORNERS = [
  [0, 0, 0], [2, 0, 0], [2, 3, 0], [0, 3, 0], [0, 0, 4], [2, 0, 4], [2, 3, 4], [0, 3, 4],
]; // prettier-ignore

/** Boxes some way from the origin, corners of each face its own, some of their triangles left out or turned. */
function boxes(...faces: number[][][]): [Float32Array, Uint32Array, Float32Array, number] {
  const corners = faces.flatMap((triangles, feature) => triangles.flatMap((t) => t.map((i) => [feature, ...CORNERS[i]!.map((v) => v + 100 + feature * 7)])));
  const positions = Float32Array.from(corners.flatMap((corner) => corner.slice(1)));
  return [positions, Uint32Array.from(corners, (_, i) => i), Float32Array.from(corners, (corner) => corner[0]!), faces.length];
}
const turned = CUBE.map(([a, b, c]) => [a!, c!, b!]);

it("tells a body from a shell with a face missing, a tube without ends, a sheet and a body inside out", () => {
  const open = CUBE.slice(2);
  const tube = CUBE.slice(4);
  const sheet = CUBE.slice(0, 2);
  expect([...closedBodies(...boxes(CUBE, open, tube, sheet, turned))]).toEqual([1, 0, 0, 0, -1]);
});

it("holds where a side is split beside one that is not", () => {
  const split = CORNERS.push([1, 0, 0]) - 1;
  const faces = [...CUBE.filter((face) => face.join() !== "0,1,5"), [0, split, 5], [split, 1, 5]];
  expect([...closedBodies(...boxes(faces))]).toEqual([1]);
});

it("keeps the triangles of bodies only, all facing outward", () => {
  const [positions, indices, features, count] = boxes(CUBE, CUBE.slice(2), turned);
  const kept = closedTriangles(indices, features, closedBodies(positions, indices, features, count));
  expect(kept.length).toBe(2 * 36);
  expect([...closedBodies(positions, kept, features, count)]).toEqual([1, 0, 1]);
  const whole = boxes(CUBE);
  expect(closedTriangles(whole[1], whole[2], closedBodies(...whole))).toBe(whole[1]);
});
