/** The ground itself: a plane, or the surface through the known heights. Drawn first; below ground it becomes a veil. */
import { SolidPolygonLayer } from "@deck.gl/layers";
import { SimpleMeshLayer } from "@deck.gl/mesh-layers";
import { Geometry } from "@luma.gl/engine";

import { offset, trueMetres } from "../map/earth";
import type { Grid } from "../map/ground";
import { type LayerContext, TRUE_DEPTH } from "./context";

const HALF_WIDTH_M = 12_000;
const BELOW_M = 0.12; // under what lies on it
const VEIL_ALPHA = 46;

type Corners = { polygon: [number, number, number][] };

export function groundLayers(context: LayerContext, longitude: number, latitude: number): (SolidPolygonLayer<Corners> | SimpleMeshLayer)[] {
  const { state, palette, ground } = context;
  const isVeil = state.cameraMode === "underground";
  const alpha = isVeil ? VEIL_ALPHA : 255;
  const color = [...palette.ground.slice(0, 3), alpha] as [number, number, number, number];
  const far = new SolidPolygonLayer<Corners>({
    id: "ground/plane",
    data: [plane(longitude, latitude, ground.lowest - (ground.isFlat ? BELOW_M : 1.5))],
    getPolygon: (item) => item.polygon,
    getFillColor: color,
    material: false,
    pickable: !isVeil, // or what lies under it would be clicked through it
    getPolygonOffset: TRUE_DEPTH,
    parameters: { depthWriteEnabled: !isVeil, cullMode: "none" },
    updateTriggers: { getFillColor: [state.theme, alpha] },
  });
  if (!ground.grid || isVeil) return [far];
  const mesh = surface(ground.grid, longitude, latitude);
  const near = new SimpleMeshLayer({
    id: "ground/surface",
    data: [0],
    mesh: mesh as never,
    getPosition: [longitude, latitude, 0],
    getColor: color,
    pickable: true,
    material: { ambient: 1, diffuse: 0, shininess: 1, specularColor: [0, 0, 0] },
    getPolygonOffset: TRUE_DEPTH,
    parameters: { cullMode: "none" },
    updateTriggers: { getColor: state.theme },
  });
  return [far, near];
}

let lastPlane: { key: string; corners: Corners } | null = null;

function plane(longitude: number, latitude: number, z: number): Corners {
  const key = `${longitude}/${latitude}/${z}`;
  if (lastPlane?.key === key) return lastPlane.corners;
  const signs = [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ];
  const polygon = signs.map(([x = 0, y = 0]): [number, number, number] => [...offset(longitude, latitude, x * HALF_WIDTH_M, y * HALF_WIDTH_M), z]);
  lastPlane = { key, corners: { polygon } };
  return lastPlane.corners;
}

const surfaces = new WeakMap<Grid, Geometry>();

/** The grid as triangles in metres about a place; its rim hangs down to meet the plane. */
function surface(grid: Grid, longitude: number, latitude: number): Geometry {
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
  const normals = new Float32Array(positions.length);
  for (let i = 2; i < normals.length; i += 3) normals[i] = 1;
  const geometry = new Geometry({
    topology: "triangle-list",
    indices,
    attributes: { positions: { size: 3, value: positions }, normals: { size: 3, value: normals }, texCoords: { size: 2, value: new Float32Array(columns * rows * 2) } },
  });
  surfaces.set(grid, geometry);
  return geometry;
}
