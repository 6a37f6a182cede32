import { MeshoptDecoder } from "meshoptimizer/decoder";
import { describe, expect, it } from "vitest";

import { plainBytes, readPlain } from "../src/tiles/points-glb";
import { GlbBuilder } from "./glb";

function threePoints(): ArrayBuffer {
  const glb = new GlbBuilder();
  const positions = new Uint16Array([0, 0, 0, 0, 65535, 10, 20, 0, 5, 65535, 7, 0]);
  const colors = new Uint8Array([255, 0, 0, 0, 0, 255, 0, 0, 0, 0, 255, 0]);
  const attributes = {
    POSITION: glb.accessor(positions, "VEC3", 5123, 3, {}, { byteStride: 8 }),
    COLOR_0: glb.accessor(colors, "VEC3", 5121, 3, { normalized: true }, { byteStride: 4 }),
  };
  return glb.finish({
    scene: 0,
    scenes: [{ nodes: [0] }],
    nodes: [{ mesh: 0, rotation: [-Math.SQRT1_2, 0, 0, Math.SQRT1_2], translation: [1, 2, 3], scale: [0.001, 0.001, 0.001] }],
    meshes: [{ primitives: [{ attributes, mode: 0 }] }],
  });
}

describe("a glb of points", () => {
  it("keeps its attributes as they lie in the file", () => {
    const { attributes, indices } = readPlain(threePoints(), MeshoptDecoder as never);
    expect(indices).toBeNull();
    expect(attributes.POSITION).toMatchObject({ format: "unorm16x4", count: 3 });
    expect([...attributes.COLOR_0!.data.slice(0, 3)]).toEqual([255, 0, 0]);
    expect(attributes.COLOR_0!.format).toBe("unorm8x4");
  });

  it("places numbers from 0 to 1 in metres, turned from z up to y up", () => {
    const mesh = readPlain(threePoints(), MeshoptDecoder as never);
    const [x, y, z] = [1, 10 / 65535, 20 / 65535];
    const at = [0, 1, 2].map((row) => mesh.matrix[row]! * x + mesh.matrix[4 + row]! * y + mesh.matrix[8 + row]! * z + mesh.matrix[12 + row]!);
    expect(at[0]).toBeCloseTo(1 + 65.535, 6);
    expect(at[1]).toBeCloseTo(2 + 0.02, 6);
    expect(at[2]).toBeCloseTo(3 - 0.01, 6);
  });

  it("counts its bytes and refuses what is no glb", () => {
    expect(plainBytes(readPlain(threePoints(), MeshoptDecoder as never))).toBe(3 * 8 + 3 * 4);
    expect(() => readPlain(new ArrayBuffer(64), MeshoptDecoder as never)).toThrow("not a glb");
  });
});
