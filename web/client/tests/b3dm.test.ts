import { describe, expect, it } from "vitest";

import { createTilesLoader } from "../src/tiles/loader";
import { parseTile } from "../src/tiles/parse-b3dm";
import { rowAt } from "../src/tiles/table";
import { GlbBuilder } from "./glb";

/** Two triangles, each a batch of its own. */
function glb(version = 2): Uint8Array {
  const builder = new GlbBuilder();
  const attributes = {
    POSITION: builder.accessor(new Float32Array([0, 0, 0, 1, 0, 0, 0, 1, 0, 5, 0, 0, 6, 0, 0, 5, 1, 0]), "VEC3", 5126, 6),
    _BATCHID: builder.accessor(new Float32Array([0, 0, 0, 1, 1, 1]), "SCALAR", 5126, 6),
  };
  const bytes = builder.finish({ scenes: [{ nodes: [0] }], nodes: [{ mesh: 0 }], meshes: [{ primitives: [{ attributes }] }] });
  new DataView(bytes).setUint32(4, version, true);
  return new Uint8Array(bytes);
}

function padded(value: object): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(value));
  const out = new Uint8Array(Math.ceil((28 + text.length) / 8) * 8 - 28).fill(0x20);
  out.set(text);
  return out;
}

function b3dm(features: object, batches: object, binary: Uint8Array, content: Uint8Array): ArrayBuffer {
  const [ft, bt] = [padded(features), new TextEncoder().encode(JSON.stringify(batches))];
  const parts = [new Uint8Array(28), ft, bt, binary, content];
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  const header = new DataView(out.buffer);
  [0x6d643362, 1, out.length, ft.length, 0, bt.length, binary.length].forEach((value, i) => header.setUint32(i * 4, value, true));
  return out.buffer;
}

const heights = new Uint8Array(Float32Array.of(3.5, 12).buffer);
const batches = { id: ["gml_1", "gml_2"], usage: ["office", "office"], height: { byteOffset: 0, componentType: "FLOAT", type: "SCALAR" } };

describe("a b3dm", () => {
  it("gives its batch table as rows and its place by RTC_CENTER", () => {
    const { mesh, table, origin } = parseTile(b3dm({ BATCH_LENGTH: 2, RTC_CENTER: [4000000, -20, 30] }, batches, heights, glb()));
    expect([0, 1].map((index) => rowAt(table, index))).toEqual([
      { id: "gml_1", usage: "office", height: 3.5 },
      { id: "gml_2", usage: "office", height: 12 },
    ]);
    expect([...mesh.featureIds]).toEqual([0, 0, 0, 1, 1, 1]);
    expect(origin).toEqual([4000000, 30, 20]); // y up
  });

  it("without a column of ids takes one that names, or counts", () => {
    expect(rowAt(parseTile(b3dm({ BATCH_LENGTH: 2 }, { Name: ["A", "B"] }, new Uint8Array(), glb())).table, 1)?.id).toBe("B");
    expect(rowAt(parseTile(b3dm({ BATCH_LENGTH: 2 }, { a: [1, 2] }, new Uint8Array(), glb())).table, 1)?.id).toBe("1");
  });

  it("with glTF of version 1 is refused by name", () => {
    expect(() => parseTile(b3dm({ BATCH_LENGTH: 2 }, batches, heights, glb(1)))).toThrow("glTF version 1");
  });

  it("that ends early is refused", () => {
    expect(() => parseTile(b3dm({ BATCH_LENGTH: 2 }, batches, heights, glb()).slice(0, 60))).toThrow("ends early");
  });

  it("comes through the tiles' loader with what it takes in memory", async () => {
    const loader = createTilesLoader(async (buffer) => parseTile(buffer));
    const parse = loader.parse as unknown as (buffer: ArrayBuffer) => Promise<Record<string, unknown>>;
    const tile = await parse(b3dm({ BATCH_LENGTH: 2, RTC_CENTER: [1, 2, 3] }, batches, heights, glb()));
    expect(tile).toMatchObject({ shape: "tile3d", gltfUpAxis: "Y", rtcCenter: [1, 2, 3] });
    expect(tile.gpuMemoryUsageInBytes).toBeGreaterThan(6 * 28 + 4096);
  });
});

it("positions at the scale of the earth are counted from nearby", () => {
  const builder = new GlbBuilder();
  const position = builder.accessor(new Float32Array([0, 0, 0, 1, 0, 0, 0, 1, 0]), "VEC3", 5126, 3);
  const nodes = [{ mesh: 0, translation: [4000000.25, 3000000, 1] }];
  const { mesh, origin } = parseTile(builder.finish({ scenes: [{ nodes: [0] }], nodes, meshes: [{ primitives: [{ attributes: { POSITION: position } }] }] }));
  expect(origin).toEqual([4000000.25, 3000000, 1]);
  expect([...mesh.positions.slice(0, 6)]).toEqual([0, 0, 0, 1, 0, 0]);
});
