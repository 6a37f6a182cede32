/** Point clouds as tiles; `@@type: "PointTileset"` in the scene. */
import { COORDINATE_SYSTEM, type DefaultProps, type GetPickingInfoParams, type Layer, type PickingInfo } from "@deck.gl/core";
import { Matrix4 } from "@math.gl/core";

import { trueMetres } from "../map/earth";
import type { ScenePart } from "../map/scene";
import { isLight } from "../state/profile";
import { ParkTileset } from "../tiles/park-tileset";
import type { PlainMesh } from "../tiles/points-glb";
import { plainLoader } from "../tiles/points-loader";
import { type LayerContext, TRUE_DEPTH } from "./context";
import { type CloudColor, PointMeshLayer } from "./point-mesh";

const ERROR_PX = 2.5; // how far points may be apart before closer ones are asked for
const LIGHT_ERROR_PX = 6;

interface TileHeader {
  id: string;
  tileDrawn: boolean;
  content: { gltf: PlainMesh; cartographicOrigin: number[]; modelMatrix: number[] };
}
interface CloudProps {
  /** How far points are apart where all are drawn. [m] */
  spacing: number;
  /** Lowest and highest point. [m, park datum] */
  heights: [number, number];
  /** The feature the cloud is, where it is one alone. */
  feature: string | null;
}
interface Drawing {
  colorBy: CloudColor;
  /** The largest step between points on the screen. [px] */
  screenError: number;
  /** Height of the park's origin. [m] */
  lowered: number;
}

const defaultProps: DefaultProps<CloudProps & Omit<Drawing, "screenError">> = {
  spacing: 0.5,
  heights: { type: "array", value: [0, 1], compare: 1 as never },
  feature: { type: "object", value: null as never, optional: true },
  colorBy: "own",
  lowered: 0,
};
type Base = { props: CloudProps & Drawing & { visible: boolean }; id: string; getSubLayerProps(props: object): object };

export class PointTileset extends ParkTileset {
  static override layerName = "PointTileset";
  static override defaultProps = { ...(ParkTileset as unknown as { defaultProps: object }).defaultProps, ...defaultProps } as never;

  /** Whatever is hit stands for the cloud. */
  override getPickingInfo(params: GetPickingInfoParams): PickingInfo {
    const info = super.getPickingInfo(params);
    const { feature } = (this as unknown as Base).props;
    return { ...info, object: info.picked && feature ? { id: feature } : undefined };
  }

  // prettier-ignore
  override _make3DModelLayer(tile: never): never {
    const header = tile as TileHeader;
    const { gltf, cartographicOrigin, modelMatrix } = header.content;
    const [longitude, latitude, height] = cartographicOrigin as [number, number, number];
    const [east, north] = trueMetres(latitude);
    const base = this as unknown as Base;
    const { spacing, heights, colorBy, screenError, lowered, visible } = base.props;
    if (!visible) header.tileDrawn = true;
    return new PointMeshLayer(base.getSubLayerProps({ id: "tile" }) as never, {
      id: `${base.id}-tile-${header.id}`,
      tile: header,
      content: gltf,
      colorBy: colorBy === "own" && !gltf.attributes.COLOR_0 ? "height" : colorBy,
      spacing,
      leastPx: screenError,
      heights: [heights[0] - lowered - height, heights[1] - lowered - height],
      coordinateSystem: COORDINATE_SYSTEM.METER_OFFSETS,
      coordinateOrigin: [longitude, latitude, height],
      modelMatrix: new Matrix4().scale([east, north, 1]).multiplyRight(modelMatrix).multiplyRight(gltf.matrix),
      onFirstDraw: () => {
        header.tileDrawn = true;
      },
    }) as never;
  }
}

/** The point clouds of the scene, switched with the layer of their outlines. */
export function pointLayers(context: LayerContext, parts: ScenePart[], lowered: object): Layer[] {
  const { state, originHeight } = context;
  return parts
    .filter((part) => part.kind === "points")
    .map((part) =>
      part.layer.clone({
        visible: !state.hidden.has(`layer/${part.id.slice("points/".length)}`),
        pickable: true,
        colorBy: state.cloudColor,
        lowered: originHeight,
        screenError: isLight(state) ? LIGHT_ERROR_PX : ERROR_PX,
        getPolygonOffset: TRUE_DEPTH,
        loader: plainLoader,
        loadOptions: { tileset: lowered },
      } as never),
    );
}
