import { describe, expect, it } from "vitest";

import { parseGlb } from "../src/tiles/parse-glb";
import { rowAt } from "../src/tiles/table";
import { GlbBuilder } from "./glb";

/** Two squares in the plane z = 0, quantized to a hundredth, each an element of its own; z is up and a node turns it to glTF's y. */
function twoSquares(): ArrayBuffer {
  const glb = new GlbBuilder();
  const corners = [0, 0, 0, 100, 0, 0, 100, 100, 0, 0, 100, 0, 200, 0, 50, 300, 0, 50, 300, 100, 50, 200, 100, 50];
  const padded = new Uint16Array(8 * 4);
  for (let i = 0; i < 8; i++) padded.set(corners.slice(i * 3, i * 3 + 3), i * 4);
  const normals = new Int8Array(8 * 4);
  for (let i = 0; i < 8; i++) normals[i * 4 + 2] = 127;
  const colors = new Uint8Array(8 * 4).fill(255);
  colors.set([10, 20, 30, 128], 4 * 4);
  const features = new Uint16Array(8 * 2);
  for (let i = 4; i < 8; i++) features[i * 2] = 1;
  const attributes = {
    POSITION: glb.accessor(padded, "VEC3", 5123, 8, {}, { byteStride: 8 }),
    NORMAL: glb.accessor(normals, "VEC3", 5120, 8, { normalized: true }, { byteStride: 4 }),
    COLOR_0: glb.accessor(colors, "VEC4", 5121, 8, { normalized: true }),
    _FEATURE_ID_0: glb.accessor(features, "SCALAR", 5123, 8, {}, { byteStride: 4 }),
  };
  const indices = glb.accessor(new Uint16Array([0, 1, 2, 0, 2, 3, 4, 5, 6, 4, 6, 7]), "SCALAR", 5123, 12);
  const ids = glb.strings(["2j_iCPsmPoXdIdEKQQslxu", "楼板"]);
  const heights = glb.view(new Float64Array([3.5, -1.25]));
  const half = Math.SQRT1_2;
  return glb.finish({
    scene: 0,
    scenes: [{ nodes: [0] }],
    nodes: [{ mesh: 0, rotation: [-half, 0, 0, half], scale: [0.01, 0.01, 0.01], translation: [5, 7, 9] }],
    meshes: [{ primitives: [{ attributes, indices, mode: 4 }] }],
    extensions: {
      EXT_structural_metadata: {
        schema: { classes: { element: { properties: { id: { type: "STRING" }, height: { type: "SCALAR", componentType: "FLOAT64" } } } } },
        propertyTables: [{ class: "element", count: 2, properties: { id: ids, height: { values: heights } } }],
      },
    },
  });
}

describe("a glb of the tile server", () => {
  const { mesh, table } = parseGlb(twoSquares());

  it("is moved, scaled and turned by its node", () => {
    // (1, 1, 0) east, north, up is (1, 0, -1) in glTF; then the node's own shift
    expect([...mesh.positions.slice(6, 9)].map((value) => Math.round(value * 1000) / 1000)).toEqual([6, 7, 8]);
    expect([...mesh.positions.slice(12, 15)].map((value) => Math.round(value * 1000) / 1000)).toEqual([7, 7.5, 9]);
  });

  it("keeps normals of unit length, upward", () => {
    expect([...mesh.normals.slice(0, 3)]).toEqual([0, 127, 0]);
  });

  it("keeps colours with their alpha and knows of glass", () => {
    expect([...mesh.colors.slice(0, 4)]).toEqual([255, 255, 255, 255]);
    expect([...mesh.colors.slice(16, 20)]).toEqual([10, 20, 30, 128]);
    expect(mesh.hasGlass).toBe(true);
  });

  it("tells its elements apart, each with its foot", () => {
    expect([...mesh.featureIds]).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    expect(mesh.features).toBe(2);
    expect([...mesh.feet].map((value) => Math.round(value * 10) / 10)).toEqual([7, 7, 7, 7, 7.5, 7.5, 7.5, 7.5]);
  });

  it("draws the border of each square and no diagonal", () => {
    const pairs = Array.from({ length: mesh.edges.length / 2 }, (_, i) => [mesh.edges[i * 2]!, mesh.edges[i * 2 + 1]!].sort((a, b) => a - b).join());
    expect(pairs.sort()).toEqual(["0,1", "0,3", "1,2", "2,3", "4,5", "4,7", "5,6", "6,7"]);
  });

  it("reads its property table", () => {
    expect([0, 1].map((index) => rowAt(table, index))).toEqual([
      { id: "2j_iCPsmPoXdIdEKQQslxu", height: 3.5 },
      { id: "楼板", height: -1.25 },
    ]);
  });
});

describe("other bytes", () => {
  it("are refused", () => {
    expect(() => parseGlb(new ArrayBuffer(40))).toThrow("not a glb");
  });

  it("that are packed want a decoder", () => {
    const glb = new GlbBuilder();
    glb.view(new Uint8Array(4), { extensions: { EXT_meshopt_compression: { buffer: 0, byteLength: 4, byteStride: 4, count: 1, mode: "ATTRIBUTES" } } });
    expect(() => parseGlb(glb.finish({}))).toThrow("without a decoder");
  });
});

describe("instances", () => {
  const instanced = (attributes: object, extensions: object = {}, own: object = {}): Uint8Array | Float32Array => {
    const glb = new GlbBuilder();
    const position = glb.accessor(new Float32Array([0, 0, 0, 1, 0, 0, 0, 0, 1]), "VEC3", 5126, 3);
    const made = Object.fromEntries(Object.entries({ TRANSLATION: [[0, 0, 0, 10, 0, 0], "VEC3"], ...attributes }).map(([name, [values, type]]) => [name, glb.accessor(new Float32Array(values as number[]), type as string, 5126, 2)]));
    const ids = Object.fromEntries(Object.entries(own).map(([name, values]) => [name, glb.accessor(new Float32Array(values as number[]), "SCALAR", 5126, 3)]));
    mesh = parseGlb(
      glb.finish({
        scenes: [{ nodes: [0] }],
        nodes: [{ mesh: 0, extensions: { EXT_mesh_gpu_instancing: { attributes: made }, ...extensions } }],
        meshes: [{ primitives: [{ attributes: { POSITION: position, ...ids } }] }],
      }),
    ).mesh;
    return mesh.featureIds;
  };
  let mesh: ReturnType<typeof parseGlb>["mesh"];

  it("become bodies of their own with their own ids", () => {
    expect([...instanced({})]).toEqual([0, 0, 0, 1, 1, 1]);
    expect(mesh.positions[9]).toBe(10);
    expect([...mesh.indices]).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("are the elements that EXT_instance_features names", () => {
    const named = (id: object): object => ({ EXT_instance_features: { featureIds: [{ featureCount: 9, ...id }] } });
    expect([...instanced({ _FEATURE_ID_0: [[7, 4], "SCALAR"] }, named({ attribute: 0 }))]).toEqual([7, 7, 7, 4, 4, 4]);
    expect([...instanced({ _FEATURE_ID_1: [[8, 2], "SCALAR"] }, named({ attribute: 1 }))]).toEqual([8, 8, 8, 2, 2, 2]);
    expect([...instanced({}, named({}))]).toEqual([0, 0, 0, 1, 1, 1]);
  });

  it("that say nothing leave it to their vertices", () => {
    expect([...instanced({}, {}, { _FEATURE_ID_0: [3, 3, 3] })]).toEqual([3, 3, 3, 3, 3, 3]);
  });

  it("that mirror keep their outside outside", () => {
    instanced({ SCALE: [[1, 1, 1, -1, 1, 1], "VEC3"] });
    expect([...mesh.indices]).toEqual([0, 1, 2, 3, 5, 4]);
  });
});

describe("a column of an enumeration", () => {
  it("is read by its names", () => {
    const glb = new GlbBuilder();
    const values = glb.view(new Uint16Array([20, 10, 20]));
    const kinds = { kind: { type: "ENUM", enumType: "kinds" } };
    const enums = { kinds: { values: [{ name: "IfcWall", value: 10 }, { name: "IfcDoor", value: 20 }] } };
    const metadata = { schema: { classes: { element: { properties: kinds } }, enums }, propertyTables: [{ class: "element", count: 3, properties: { kind: { values } } }] };
    const { table } = parseGlb(glb.finish({ extensions: { EXT_structural_metadata: metadata } }));
    expect([0, 1, 2].map((index) => rowAt(table, index)?.class ?? rowAt(table, index)?.kind)).toEqual(["IfcDoor", "IfcWall", "IfcDoor"]);
  });
});

describe("a column that says less than its rows", () => {
  const glb = new GlbBuilder();
  const id = glb.strings(["a", "b", "c"]);
  const values = glb.view(new Uint8Array([0, 1, 0]));
  const kinds = {
    id: { type: "STRING" },
    model: { type: "STRING", default: "m" },
    level: { type: "SCALAR", componentType: "INT32", default: 3 },
    storey: { type: "ENUM", enumType: "storey", noData: "-" },
    name: { type: "STRING" },
  };
  const enums = { storey: { valueType: "UINT8", values: [{ name: "1F", value: 0 }, { name: "-", value: 1 }] } };
  const metadata = { schema: { classes: { feature: { properties: kinds } }, enums }, propertyTables: [{ class: "feature", count: 3, properties: { id, storey: { values } } }] };
  const { table } = parseGlb(glb.finish({ extensions: { EXT_structural_metadata: metadata } }));

  it("is its default in every row", () => {
    expect([0, 1, 2].map((index) => [rowAt(table, index)?.model, rowAt(table, index)?.level])).toEqual(Array(3).fill(["m", 3]));
  });

  it("has no text where the enumeration names what is missing", () => {
    expect([0, 1, 2].map((index) => rowAt(table, index)?.storey)).toEqual(["1F", "", "1F"]);
  });

  it("is left out where the schema says nothing either", () => {
    expect(rowAt(table, 0)).not.toHaveProperty("name");
  });
});
