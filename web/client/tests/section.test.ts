import { Matrix4 } from "@math.gl/core";
import { describe, expect, it } from "vitest";

import { degreesPerMetre } from "../src/map/earth";
import { ballOf, capSquare, inTile, shownPlanes, tilePlanes } from "../src/section/cut";
import { type Section, type SectionBox, type Vector, dot, faces, fromText, halfSpaces, isKept, metresFrom, moved, outline, pushed, sideOf, toText } from "../src/section/section";
import { withSection } from "../src/state/section";

const AT: Vector = [104.06, 30.54, 450];
const box: SectionBox = { kind: "box", at: AT, half: [10, 4, 3], turn: 30 };
const plane: Section = { kind: "plane", at: AT, azimuth: 90, tilt: 0 };

/** A place some metres east, north and up. */
const there = (east: number, north: number, up = 0): Vector => [AT[0] + east * degreesPerMetre(AT[1]).longitude, AT[1] + north * degreesPerMetre(AT[1]).latitude, AT[2] + up];

describe("a section", () => {
  it("keeps the side its plane turns its back to", () => {
    expect(isKept(plane, there(-0.01, 500))).toBe(true);
    expect(isKept(plane, there(0.01, 500))).toBe(false);
    const lid: Section = { kind: "plane", at: AT, azimuth: 0, tilt: 90 };
    expect([isKept(lid, there(9, 9, -0.1)), isKept(lid, there(9, 9, 0.1))]).toEqual([true, false]);
    expect(isKept(null, there(1, 1))).toBe(true);
  });

  it("keeps the inside of a turned box", () => {
    const [s, c] = [Math.sin(Math.PI / 6), Math.cos(Math.PI / 6)];
    const inBox = (u: number, v: number, w: number): boolean => isKept(box, there(u * c + v * s, -u * s + v * c, w));
    expect([inBox(9.9, 3.9, 2.9), inBox(-9.9, -3.9, -2.9)]).toEqual([true, true]);
    expect([inBox(10.1, 0, 0), inBox(0, 4.1, 0), inBox(0, 0, 3.1), inBox(0, 0, -3.1)]).toEqual([false, false, false, false]);
  });

  it("is pushed by one face while the face across stays", () => {
    for (const [i, face] of faces(box).entries()) {
      const grown = pushed(box, face.key, 2.5) as SectionBox;
      const after = faces(grown);
      const moves = after.map((one, k) => dot(metresFrom(faces(box)[k]!.at, one.at), face.normal));
      expect(moves[i]).toBeCloseTo(2.5, 3);
      expect(moves[i ^ 1]).toBeCloseTo(0, 3);
    }
    expect((pushed(box, "top", -100) as SectionBox).half[2]).toBeCloseTo(0.05);
  });

  it("has a frame on its own faces", () => {
    for (const corner of outline(box, 1).flat()) {
      const p = metresFrom(AT, corner);
      expect(Math.max(...halfSpaces(box).map(({ normal, offset }) => dot(normal, p) - offset))).toBeCloseTo(0, 3);
    }
  });

  it("tells balls that are kept, away and cut", () => {
    const spaces = halfSpaces(box);
    expect(sideOf(spaces, [0, 0, 0], 1)).toBe("kept");
    expect(sideOf(spaces, [0, 0, 0], 5)).toBe("cut");
    expect(sideOf(spaces, [0, 0, 9], 1)).toBe("away");
  });

  it("is the same after a way through an address", () => {
    const read = fromText(toText(box))!;
    expect(read).toMatchObject({ kind: "box", half: box.half, turn: 30 });
    expect(Math.hypot(...metresFrom(AT, read.at))).toBeLessThan(0.02);
    expect(fromText(toText(plane))).toMatchObject({ azimuth: 90, tilt: 0 });
    for (const text of [null, "", "box:1,2", "plane:1,2,3,x,5", "ball:1,2,3"]) expect(fromText(text)).toBeNull();
  });

  it("is kept in an address beside what else it says", () => {
    const address = withSection("http://a/?select=building:B1#x", plane);
    expect(address).toBe("http://a/?select=building:B1&section=plane:104.0600000,30.5400000,450,90,0#x");
    expect(withSection(address, null)).toBe("http://a/?select=building:B1#x");
  });
});

describe("in a tile", () => {
  const scale: [number, number] = [1.0021, 0.9978];
  const origin = there(37, -52, 8);

  it("planes take away what the section takes away", () => {
    const planes = tilePlanes([{ at: AT, spaces: halfSpaces(box) }], origin, scale);
    for (let i = 0; i < 300; i++) {
      const place = there(-12.03 + (i % 25) * 1.003, -8.11 + (i % 17) * 1.007, -4.3 + (i % 9) * 1.09);
      const p = inTile(place, origin, scale);
      expect(planes.every((one) => dot(one, p) <= one[3]!)).toBe(isKept(box, place));
    }
  });

  it("only faces that run through it and look at the eye are filled", () => {
    const planes = [[0, 0, 1, 2], [0, 0, -1, 2], [1, 0, 0, 90]]; // prettier-ignore
    const ball = { middle: [0, 0, 0] as Vector, radius: 5 };
    expect(shownPlanes(planes, ball, [0, 0, 30])).toEqual([0]);
    expect(shownPlanes(planes, ball, [0, 0, -30])).toEqual([1]);
    expect(shownPlanes(planes, ball, [0, 0, 0])).toEqual([]);
  });

  it("the filled square lies in the plane and reaches past the mesh", () => {
    const matrix = new Matrix4().translate([3, 4, 5]).rotateX(Math.PI / 2);
    const ball = ballOf([-1, -2, -3, 1, 2, 3], matrix);
    const tilted = [0.6, 0, 0.8, 4];
    const [middle, across, along] = capSquare(tilted, ball, new Matrix4(matrix).invert());
    for (const [s, t] of [[-1, -1], [1, -1], [1, 1], [0.3, -0.7]] as const) {
      const corner = middle.slice(0, 3).map((value, k) => value + s * across[k]! + t * along[k]!);
      expect(dot(tilted, matrix.transformAsPoint(corner) as number[])).toBeCloseTo(4, 6);
    }
    expect(Math.hypot(...across)).toBeGreaterThan(Math.hypot(1, 2, 3));
  });

  it("a place is found again by moving there", () => {
    expect(metresFrom(AT, moved(AT, [0.6, 0.8, 0], 10)).map((value) => Math.round(value * 1e4) / 1e4)).toEqual([6, 8, 0]);
  });
});
