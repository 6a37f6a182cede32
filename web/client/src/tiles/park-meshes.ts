/** The same tiles without a server: a list of decoded glbs, each with its place. Takes the looks of a ParkTileset. */
import { COORDINATE_SYSTEM, CompositeLayer, type GetPickingInfoParams, type LayerProps, type PickingInfo } from "@deck.gl/core";
import { Matrix4, Vector3 } from "@math.gl/core";
import { Ellipsoid } from "@math.gl/geospatial";

import { trueMetres } from "../map/earth";
import { tilePlanes } from "../section/cut";
import { BimTileLayer, type TilePick } from "./bim-tile-layer";
import type { TileContent } from "./loader";
import type { TilesetLook } from "./park-tileset";

export interface PlacedTile {
  content: TileContent;
  /** To ECEF, column-major. */
  transform: number[];
}
export type ParkMeshesProps = TilesetLook & LayerProps & { tiles: PlacedTile[]; loweredBy: number };

export class ParkMeshes extends CompositeLayer<ParkMeshesProps> {
  static override layerName = "ParkMeshes";

  override getPickingInfo({ info }: GetPickingInfoParams): PickingInfo {
    const pick = info as TilePick;
    pick.object = pick.row ?? undefined;
    return pick;
  }

  override renderLayers(): BimTileLayer[] {
    const { tiles, look, rules, styleKey, groundAt, cuts, loweredBy } = this.props;
    return tiles.map(({ content, transform }, index) => {
      const { origin, matrix } = placeAt(transform);
      const metres = trueMetres(origin[1]!);
      origin[2] = origin[2]! - loweredBy;
      return new BimTileLayer(this.getSubLayerProps({ id: `tile-${index}` }) as object, {
        content,
        look,
        rules,
        styleKey,
        metres,
        planes: tilePlanes(cuts ?? [], origin, metres),
        originHeight: origin[2],
        groundHeight: groundAt?.(origin[0]!, origin[1]!) ?? 0,
        coordinateSystem: COORDINATE_SYSTEM.METER_OFFSETS,
        coordinateOrigin: origin as [number, number, number],
        modelMatrix: new Matrix4().scale([metres[0], metres[1], 1]).multiplyRight(matrix),
      });
    });
  }
}

/** A tile's own origin as longitude, latitude, height, and the matrix from its glTF (y up) to ENU metres there. */
function placeAt(transform: number[]): { origin: number[]; matrix: Matrix4 } {
  const centre = new Vector3(transform[12]!, transform[13]!, transform[14]!);
  const origin = Ellipsoid.WGS84.cartesianToCartographic([...centre], [0, 0, 0]);
  const toLocal = Ellipsoid.WGS84.eastNorthUpToFixedFrame([...centre]).invert();
  return { origin: [...origin], matrix: toLocal.multiplyRight(new Matrix4(transform)).rotateX(Math.PI / 2) };
}
