/** The ground as tiles; `@@type: "TerrainTileset"` in the scene. */
import { COORDINATE_SYSTEM, type DefaultProps, type GetPickingInfoParams, type Layer, type PickingInfo } from "@deck.gl/core";
import { Matrix4 } from "@math.gl/core";

import { trueMetres } from "../map/earth";
import type { ScenePart } from "../map/scene";
import { isLight } from "../state/profile";
import { ParkTileset } from "../tiles/park-tileset";
import type { PlainMesh } from "../tiles/points-glb";
import { plainLoader } from "../tiles/points-loader";
import { type LayerContext, TRUE_DEPTH } from "./context";
import { type GroundMesh, GroundMeshLayer } from "./ground-mesh";
import { type Hole, edgesAbout, holeOf } from "./hole";

const ERROR_PX = 6; // of a relief that is quiet, so more than of bodies
const LIGHT_ERROR_PX = 16;
const UNDER_M = 0.12; // what lies on the ground is drawn on it, not in it
export const RELIEF = 0.55;

interface TileHeader {
  id: string;
  tileDrawn: boolean;
  content: { gltf: PlainMesh; cartographicOrigin: number[]; modelMatrix: number[] };
}
interface TerrainProps {
  groundColor: number[];
  hole: Hole;
}

const defaultProps: DefaultProps<TerrainProps> = {
  groundColor: { type: "color", value: [255, 255, 255, 255] },
  hole: { type: "object", value: [] as never },
};

/** What of the base class is used here; its types are those of a layer of buildings. */
type Base = { props: TerrainProps & { visible: boolean; id: string }; id: string };

export class TerrainTileset extends ParkTileset {
  static override layerName = "TerrainTileset";
  static override defaultProps = { ...(ParkTileset as unknown as { defaultProps: object }).defaultProps, ...defaultProps } as never;

  /** The ground is nothing that one chooses. */
  override getPickingInfo(params: GetPickingInfoParams): PickingInfo {
    return { ...super.getPickingInfo(params), object: undefined };
  }

  // prettier-ignore
  override _make3DModelLayer(tile: never): never {
    const header = tile as TileHeader;
    const { gltf, cartographicOrigin, modelMatrix } = header.content;
    const [east, north] = trueMetres(cartographicOrigin[1]!);
    const { groundColor, hole, visible } = (this as unknown as Base).props;
    if (!visible) header.tileDrawn = true;
    const [longitude, latitude, height] = cartographicOrigin as [number, number, number];
    const { mesh, edges } = madeOf(gltf, hole, longitude, latitude);
    return new GroundMeshLayer((this as unknown as { getSubLayerProps(props: object): object }).getSubLayerProps({ id: "tile" }) as never, {
      id: `${(this as unknown as Base).id}-tile-${header.id}`,
      tile: header,
      mesh,
      color: groundColor,
      relief: RELIEF,
      hole: edges,
      coordinateSystem: COORDINATE_SYSTEM.METER_OFFSETS,
      coordinateOrigin: [longitude, latitude, height - UNDER_M],
      modelMatrix: new Matrix4().scale([east, north, 1]).multiplyRight(modelMatrix).multiplyRight(gltf.matrix),
      onFirstDraw: () => {
        header.tileDrawn = true;
      },
    }) as never;
  }
}

interface Made {
  mesh: GroundMesh;
  hole: Hole;
  edges: Float32Array;
}
const made = new WeakMap<PlainMesh, Made>();

/** Mesh and edges of a tile, the same objects for as long as nothing changes: else they would go to the card anew. */
function madeOf(gltf: PlainMesh, hole: Hole, longitude: number, latitude: number): Made {
  const known = made.get(gltf);
  if (known?.hole === hole) return known;
  const mesh = known?.mesh ?? { positions: gltf.attributes.POSITION!, normals: gltf.attributes.NORMAL!, indices: gltf.indices ?? new Uint16Array() };
  const next = { mesh, hole, edges: edgesAbout(hole, longitude, latitude) };
  made.set(gltf, next);
  return next;
}

/** The park's ground where it comes in tiles; from below it is not drawn. */
export function terrainLayers(context: LayerContext, parts: ScenePart[], lowered: object): Layer[] {
  const { state, palette } = context;
  if (state.cameraMode === "underground") return [];
  return parts
    .filter((part) => part.kind === "terrain")
    .map((part) =>
      part.layer.clone({
        visible: !state.hidden.has(part.id),
        pickable: true,
        groundColor: palette.ground,
        hole: holeOf(context),
        screenError: isLight(state) ? LIGHT_ERROR_PX : ERROR_PX,
        getPolygonOffset: TRUE_DEPTH,
        parameters: { cullMode: "none" },
        loader: plainLoader,
        loadOptions: { tileset: lowered },
        updateTriggers: { groundColor: state.theme },
      } as never),
    );
}
