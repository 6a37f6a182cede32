/** A 3D Tiles tileset whose elements can be picked, hidden and coloured; `@@type: "ParkTileset"` in the scene. */
import {
  COORDINATE_SYSTEM,
  CompositeLayer,
  type DefaultProps,
  type FilterContext,
  type GetPickingInfoParams,
  type Layer,
  type PickingInfo,
  type UpdateParameters,
} from "@deck.gl/core";
import { Tile3DLayer, type Tile3DLayerProps } from "@deck.gl/geo-layers";
import type { Tile3D, Tileset3D } from "@loaders.gl/tiles";
import { Matrix4 } from "@math.gl/core";

import { trueMetres } from "../map/earth";
import { type Cut, tilePlanes } from "../section/cut";
import { BimTileLayer, type TileLook, type TilePick } from "./bim-tile-layer";
import type { StateRules } from "./feature-state";
import type { TileContent } from "./loader";
import { TileBudget, type Wish, refineWell, retryLost } from "./refinement";

export interface TilesetLook {
  look: TileLook;
  rules: StateRules | null;
  styleKey: string;
  groundAt: ((longitude: number, latitude: number) => number) | null;
  /** What stays of it: half-spaces, heights those of the scene. */
  cuts: Cut[];
  /** The largest error on the screen. [px] */
  screenError: number;
}
export interface LostTile {
  url: string;
  message: string;
}
export type ParkTilesetProps = TilesetLook & Tile3DLayerProps & { onLost?: (lost: LostTile) => void };

interface TileHeader {
  id: string;
  selected: boolean;
  viewportIds: string[];
  tileDrawn: boolean;
  content: { gltf: TileContent; cartographicOrigin: number[]; modelMatrix: number[] };
}
/** What a tileset of loaders.gl says of its requests. */
interface Requests {
  frameNumber: number;
  _pendingCount: number;
  _requestedTiles: { contentState: number }[];
}
interface Own {
  tileset3d: Tileset3D | null;
  lastUpdatedViewports: Record<string, unknown> | null;
  giveUp?: () => void;
  lost?: ReturnType<typeof retryLost>;
  /** What the newest of the layers that share this state is asked for: the one that loads may be an older one. */
  wish: Wish;
  /** When a tileset whose own JSON was lost is asked for again. */
  again?: ReturnType<typeof setTimeout> | undefined;
  isGone?: boolean;
}

const LOADING = 1;
const AGAIN_MS = 8000;
const MB = 1024 * 1024;

/** What tiles of all tilesets may take together; the page's profile says how much. */
export const limits = { memoryMb: 512 };
export const budget = new TileBudget(() => limits.memoryMb * MB);

const defaultProps: DefaultProps<TilesetLook & { onLost: unknown }> = {
  look: { type: "object", value: null as never, compare: 1 },
  rules: { type: "object", value: null as never, optional: true, ignore: true },
  styleKey: "",
  groundAt: { type: "function", value: null as never, optional: true, ignore: true },
  cuts: { type: "array", value: [], compare: 4 as never },
  screenError: 16,
  onLost: { type: "function", value: () => undefined, ignore: true },
};

// @ts-expect-error the stock class keeps private the methods where a tileset comes and where a tile becomes a layer
export class ParkTileset extends Tile3DLayer<unknown, TilesetLook & { onLost?: (lost: LostTile) => void }> {
  static override layerName = "ParkTileset";
  static override defaultProps = { ...Tile3DLayer.defaultProps, ...defaultProps } as never;

  override updateState(params: UpdateParameters<this>): void {
    const { props, oldProps } = params;
    this.own().wish = { screenError: props.screenError, cuts: props.cuts };
    super.updateState(params as never);
    if (props.cuts !== oldProps.cuts || props.screenError !== oldProps.screenError) this.selectAgain();
  }

  /** Chooses tiles anew where the view is the same but what is wanted of it is not. */
  private selectAgain(): void {
    const { lastUpdatedViewports } = this.own();
    if (lastUpdatedViewports) (this as unknown as { _updateTileset(viewports: unknown): void })._updateTileset(lastUpdatedViewports);
  }

  private own(): Own {
    return this.state as unknown as Own;
  }

  // prettier-ignore
  override async _loadTileset(url: string): Promise<void> {
    const lost = retryLost(() => this.own()?.tileset3d ?? null, () => this.selectAgain());
    const onTileError = (tile: Tile3D, message: string): void => {
      lost.lost(tile);
      this.props.onLost?.({ url: String(tile.contentUrl ?? url), message });
    };
    const state = this.own();
    state.again = undefined;
    const load = (Tile3DLayer.prototype as unknown as { _loadTileset(url: string): Promise<void> })._loadTileset;
    try {
      await load.call(this, url);
    } catch (error) {
      if (state.isGone) return;
      this.props.onLost?.({ url, message: error instanceof Error ? error.message : String(error) });
      state.again = setTimeout(() => void this._loadTileset(url), AGAIN_MS);
      return;
    }
    const { tileset3d } = state;
    if (!tileset3d || state.isGone) return;
    (tileset3d as unknown as { options: Record<string, unknown> }).options.onTileError = onTileError;
    const giveUp = refineWell(tileset3d, () => state.wish, budget);
    this.setState({ giveUp, lost });
    this.selectAgain();
  }

  override finalizeState(context: Parameters<Tile3DLayer["finalizeState"]>[0]): void {
    const { giveUp, lost, again } = this.own();
    this.own().isGone = true;
    clearTimeout(again);
    giveUp?.();
    lost?.stop();
    super.finalizeState(context);
  }

  /** A root with content is asked for even where it is out of view, and then given up: that is not waited for, nor is a lost tile. */
  override get isLoaded(): boolean {
    const tileset = this.own()?.tileset3d as unknown as Requests | null;
    if (!this.props.visible || this.own()?.again !== undefined) return true;
    if (!tileset || tileset.frameNumber === 0) return false;
    const isWaiting = tileset._pendingCount > 0 || tileset._requestedTiles.some((tile) => tile.contentState === LOADING);
    return !isWaiting && Boolean(Reflect.get(CompositeLayer.prototype, "isLoaded", this));
  }

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
  override _make3DModelLayer(given: object): Layer {
    const header = given as TileHeader;
    const { gltf, cartographicOrigin, modelMatrix } = header.content;
    const metres = trueMetres(cartographicOrigin[1]!);
    const { look, rules, styleKey, groundAt, cuts, visible } = this.props;
    if (!visible) header.tileDrawn = true; // it never will be, and its parent would wait for it
    return new BimTileLayer(this.getSubLayerProps({ id: "tile" }) as object, {
      id: `${this.id}-tile-${header.id}`,
      tile: header,
      content: gltf,
      look,
      rules,
      styleKey,
      metres,
      planes: tilePlanes(cuts, cartographicOrigin, metres),
      originHeight: cartographicOrigin[2],
      groundHeight: groundAt?.(cartographicOrigin[0]!, cartographicOrigin[1]!) ?? 0,
      coordinateSystem: COORDINATE_SYSTEM.METER_OFFSETS,
      coordinateOrigin: cartographicOrigin as [number, number, number],
      modelMatrix: new Matrix4().scale([metres[0], metres[1], 1]).multiplyRight(modelMatrix),
      onFirstDraw: () => {
        header.tileDrawn = true;
      },
    });
  }
}
