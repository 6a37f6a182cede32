/** A tileset that came as it is (oblique photography, models of others); `@@type: "RegisteredTileset"` in the scene. */
import { CompositeLayer, type FilterContext, type GetPickingInfoParams, type PickingInfo } from "@deck.gl/core";
import { Tile3DLayer } from "@deck.gl/geo-layers";

interface TileHeader {
  selected: boolean;
  viewportIds: string[];
}

/** What a tileset of loaders.gl says of its requests. */
interface Requests {
  frameNumber: number;
  _pendingCount: number;
  _requestedTiles: { contentState: number }[];
}
const LOADING = 1;

export class RegisteredTileset extends Tile3DLayer {
  static override layerName = "RegisteredTileset";

  /** As for the park's own tilesets: the stock filter drops tiles whose centre is far from the cursor. */
  override filterSubLayer({ layer, viewport }: FilterContext): boolean {
    const { tile } = layer.props as unknown as { tile: TileHeader };
    return tile.selected && tile.viewportIds.includes(viewport.id);
  }

  /** A root with content is asked for even where it is out of view, and then given up: that is not waited for. */
  override get isLoaded(): boolean {
    const tileset = this.state?.tileset3d as unknown as Requests | null;
    if (!tileset || tileset.frameNumber === 0) return false;
    const isWaiting = tileset._pendingCount > 0 || tileset._requestedTiles.some((tile) => tile.contentState === LOADING);
    return !isWaiting && Boolean(Reflect.get(CompositeLayer.prototype, "isLoaded", this));
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
