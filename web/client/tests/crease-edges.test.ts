import { expect, it } from "vitest";

import { creaseEdges } from "../src/tiles/crease-edges";

/** A unit cube with four vertices of its own on each face, as exporters write it. */
function cube(): { positions: Float32Array; indices: Uint32Array } {
  const positions: number[] = [];
  const indices: number[] = [];
  for (let axis = 0; axis < 3; axis++) {
    for (const side of [0, 1]) {
      const base = positions.length / 3;
      for (const [u, v] of [
        [0, 0],
        [1, 0],
        [1, 1],
        [0, 1],
      ]) {
        const corner = [0, 0, 0];
        corner[axis] = side;
        corner[(axis + 1) % 3] = u!;
        corner[(axis + 2) % 3] = v!;
        positions.push(...corner);
      }
      indices.push(base, base + 1, base + 2, base, base + 2, base + 3);
    }
  }
  return { positions: new Float32Array(positions), indices: new Uint32Array(indices) };
}

it("a cube has twelve edges, though its faces share no vertex", () => {
  const { positions, indices } = cube();
  expect(creaseEdges(positions, indices, new Float32Array(24)).length / 2).toBe(12);
});

it("a bent sheet has its fold, a flat one has not", () => {
  const sheet = (height: number): Float32Array => new Float32Array([0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 2, height, 0, 2, height, 1]);
  const indices = new Uint32Array([0, 1, 2, 0, 2, 3, 1, 4, 5, 1, 5, 2]);
  const features = new Float32Array(6);
  expect(creaseEdges(sheet(0), indices, features).length / 2).toBe(6);
  expect(creaseEdges(sheet(1), indices, features).length / 2).toBe(7);
});

it("two elements that touch keep the seam between them", () => {
  const positions = new Float32Array([0, 0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 2, 0, 0, 1, 0, 1]);
  const edges = creaseEdges(positions, new Uint32Array([0, 1, 2, 3, 4, 5]), new Float32Array([0, 0, 0, 1, 1, 1]));
  expect(edges.length / 2).toBe(6);
});
