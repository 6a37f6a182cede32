/** A 3D Tiles tileset whose elements can be picked, hidden and coloured; `@@type: "ParkTileset"` in the scene. */
import { COORDINATE_SYSTEM, type DefaultProps, type FilterContext, type GetPickingInfoParams, type PickingInfo } from "@deck.gl/core";
import { Tile3DLayer, type Tile3DLayerProps } from "@deck.gl/geo-layers";
import { Matrix4 } from "@math.gl/core";

import { trueMetres } from "../map/earth";
import { BimTileLayer, type TileLook, type TilePick } from "./bim-tile-layer";
import type { FeatureStyle } from "./feature-state";
import type { TileContent } from "./loader";

export interface TilesetLook {
  look: TileLook;
  featureStyle: FeatureStyle | null;
  styleKey: string;
  groundAt: ((longitude: number, latitude: number) => number) | null;
}
export type ParkTilesetProps = TilesetLook & Tile3DLayerProps;

interface TileHeader {
  id: string;
  selected: boolean;
  viewportIds: string[];
  tileDrawn: boolean;
  content: { gltf: TileContent; cartographicOrigin: number[]; modelMatrix: number[] };
}

const defaultProps: DefaultProps<TilesetLook> = {
  look: { type: "object", value: null as never, compare: 1 },
  featureStyle: { type: "function", value: null as never, optional: true, ignore: true },
  styleKey: "",
  groundAt: { type: "function", value: null as never, optional: true, ignore: true },
};

// @ts-expect-error the stock class keeps private the one method where a tile becomes a layer
export class ParkTileset extends Tile3DLayer<unknown, TilesetLook> {
  static override layerName = "ParkTileset";
  static override defaultProps = { ...Tile3DLayer.defaultProps, ...defaultProps } as never;

  /** The stock filter drops, when picking, every tile whose centre is far from the cursor: wrong for large and for near ones. */
  override filterSubLayer({ layer, viewport }: FilterContext): boolean {
    const { tile } = layer.props as unknown as { tile: TileHeader };
    return tile.selected && tile.viewportIds.includes(viewport.id);
  }

  override getPickingInfo(params: GetPickingInfoParams): PickingInfo {
    const info = super.getPickingInfo(params as never) as TilePick;
    info.object = info.row ?? undefined;
    return info;
  }

  /** The one place where a tile becomes a layer. */
  // prettier-ignore
  override _make3DModelLayer(header: TileHeader): BimTileLayer {
    const { gltf, cartographicOrigin, modelMatrix } = header.content;
    const [east, north] = trueMetres(cartographicOrigin[1]!);
    const { look, featureStyle, styleKey, groundAt } = this.props;
    return new BimTileLayer(this.getSubLayerProps({ id: "tile" }) as object, {
      id: `${this.id}-tile-${header.id}`,
      tile: header,
      content: gltf,
      look,
      featureStyle,
      styleKey,
      originHeight: cartographicOrigin[2],
      groundHeight: groundAt?.(cartographicOrigin[0]!, cartographicOrigin[1]!) ?? 0,
      coordinateSystem: COORDINATE_SYSTEM.METER_OFFSETS,
      coordinateOrigin: cartographicOrigin as [number, number, number],
      modelMatrix: new Matrix4().scale([east, north, 1]).multiplyRight(modelMatrix),
      onFirstDraw: () => {
        header.tileDrawn = true;
      },
    });
  }
}
