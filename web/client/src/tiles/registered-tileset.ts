/** A tileset that came as it is (oblique photography, models of others); `@@type: "RegisteredTileset"` in the scene. */
import type { FilterContext, GetPickingInfoParams, PickingInfo } from "@deck.gl/core";
import { Tile3DLayer } from "@deck.gl/geo-layers";

interface TileHeader {
  selected: boolean;
  viewportIds: string[];
}

export class RegisteredTileset extends Tile3DLayer {
  static override layerName = "RegisteredTileset";

  /** As for the park's own tilesets: the stock filter drops tiles whose centre is far from the cursor. */
  override filterSubLayer({ layer, viewport }: FilterContext): boolean {
    const { tile } = layer.props as unknown as { tile: TileHeader };
    return tile.selected && tile.viewportIds.includes(viewport.id);
  }

  /** Whatever is hit stands for the whole: its parts have no names that we know. */
  override getPickingInfo(params: GetPickingInfoParams): PickingInfo {
    const info = super.getPickingInfo(params as never);
    if (info.picked) info.object = { registered: this.id };
    return info;
  }
}

/** The layer and the feature that a registered tileset stands for, from its id in the scene. */
export function registeredFeature(id: string): { layer: string; feature: string } | null {
  const [tree, layer, feature] = id.split("/");
  return tree === "mesh" && layer && feature ? { layer: decodeURIComponent(layer), feature: decodeURIComponent(feature) } : null;
}
