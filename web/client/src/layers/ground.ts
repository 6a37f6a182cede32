/** The ground itself: a plane, or the surface through the known heights. Drawn first; below ground it becomes a veil. */
import { COORDINATE_SYSTEM, type Layer } from "@deck.gl/core";
import { SolidPolygonLayer } from "@deck.gl/layers";

import { offset, trueMetres } from "../map/earth";
import type { Grid } from "../map/ground";
import { type LayerContext, TRUE_DEPTH } from "./context";
import { type GroundMesh, GroundMeshLayer } from "./ground-mesh";
import { type Hole, edgesAbout, holeOf } from "./hole";

const HALF_WIDTH_M = 12_000;
const BELOW_M = 0.12; // under what lies on it
const VEIL_ALPHA = 46;

type Ring = [number, number, number][];
type Corners = { polygon: Ring[] };

/** @param isTiled whether the surface comes in tiles, so that only the plain around it is drawn here */
export function groundLayers(context: LayerContext, longitude: number, latitude: number, isTiled: boolean): Layer[] {
  const { state, palette, ground } = context;
  const hole = holeOf(context);
  const isVeil = state.cameraMode === "underground";
  const alpha = isVeil ? VEIL_ALPHA : 255;
  const color = [...palette.ground.slice(0, 3), alpha] as [number, number, number, number];
  const far = new SolidPolygonLayer<Corners>({
    id: "ground/plane",
    data: [plane(longitude, latitude, ground.lowest - (ground.isFlat ? BELOW_M : 1.5), hole)],
    getPolygon: (item) => item.polygon,
    getFillColor: color,
    material: false,
    pickable: !isVeil, // or what lies under it would be clicked through it
    getPolygonOffset: TRUE_DEPTH,
    parameters: { depthWriteEnabled: !isVeil, cullMode: "none" },
    updateTriggers: { getFillColor: [state.theme, alpha] },
  });
  if (!ground.grid || isVeil || isTiled) return [far];
  const near = new GroundMeshLayer({
    id: "ground/surface",
    mesh: surface(ground.grid, longitude, latitude),
    color,
    hole: edges(hole, longitude, latitude),
    coordinateSystem: COORDINATE_SYSTEM.METER_OFFSETS,
    coordinateOrigin: [longitude, latitude, 0],
    pickable: true,
    getPolygonOffset: TRUE_DEPTH,
    parameters: { cullMode: "none" },
  });
  return [far, near];
}

let lastEdges: { hole: Hole; edges: Float32Array } | null = null;

function edges(hole: Hole, longitude: number, latitude: number): Float32Array {
  if (lastEdges?.hole !== hole) lastEdges = { hole, edges: edgesAbout(hole, longitude, latitude) };
  return lastEdges.edges;
}

let lastPlane: { key: string; hole: Hole; corners: Corners } | null = null;

function plane(longitude: number, latitude: number, z: number, hole: Hole): Corners {
  const key = `${longitude}/${latitude}/${z}`;
  if (lastPlane?.key === key && lastPlane.hole === hole) return lastPlane.corners;
  const signs = [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ];
  const polygon = signs.map(([x = 0, y = 0]): [number, number, number] => [...offset(longitude, latitude, x * HALF_WIDTH_M, y * HALF_WIDTH_M), z]);
  const holes = hole.map((ring): Ring => ring.map(([lon, lat]) => [lon, lat, z]));
  lastPlane = { key, hole, corners: { polygon: [polygon, ...holes] } };
  return lastPlane.corners;
}

const surfaces = new WeakMap<Grid, GroundMesh>();

/** The grid as triangles in metres about a place; its rim hangs down to meet the plane. */
function surface(grid: Grid, longitude: number, latitude: number): GroundMesh {
  const known = surfaces.get(grid);
  if (known) return known;
  const { columns, rows, heights } = grid;
  const [east, north] = trueMetres(latitude);
  const [lonStep, latStep] = offset(0, latitude, 1, 1).map((value, i) => value - (i ? latitude : 0)) as [number, number];
  const positions = new Float32Array(columns * rows * 3);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const i = row * columns + column;
      const lon = grid.west + ((grid.east - grid.west) * column) / (columns - 1);
      const lat = grid.south + ((grid.north - grid.south) * row) / (rows - 1);
      const isRim = row === 0 || column === 0 || row === rows - 1 || column === columns - 1;
      positions[i * 3] = ((lon - longitude) / lonStep) * east;
      positions[i * 3 + 1] = ((lat - latitude) / latStep) * north;
      positions[i * 3 + 2] = heights[i]! - BELOW_M - (isRim ? 3 : 0);
    }
  }
  const indices = new Uint32Array((columns - 1) * (rows - 1) * 6);
  let k = 0;
  for (let row = 0; row + 1 < rows; row++) {
    for (let column = 0; column + 1 < columns; column++) {
      const a = row * columns + column;
      indices.set([a, a + 1, a + columns + 1, a, a + columns + 1, a + columns], k);
      k += 6;
    }
  }
  const normals = new Uint8Array((positions.length / 3) * 4);
  for (let i = 2; i < normals.length; i += 4) normals[i] = 127; // straight up
  const count = positions.length / 3;
  const mesh: GroundMesh = {
    positions: { data: new Uint8Array(positions.buffer), format: "float32x3", count },
    normals: { data: normals, format: "snorm8x4", count },
    indices,
  };
  surfaces.set(grid, mesh);
  return mesh;
}
