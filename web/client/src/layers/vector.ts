/** Vector tiles without a CDN, lifted onto the ground: the class behind `@@type: "MVTLayer"`. */
import { type Layer, type LayersList } from "@deck.gl/core";
import { MVTLayer } from "@deck.gl/geo-layers";
import { MVTLoader } from "@loaders.gl/mvt";

import { metresPerPixel } from "../map/earth";
import type { Ground } from "../map/ground";

/** What the tiles need of the ground. */
export interface Lift {
  ground: Ground | null;
}
type Positions = { value: Float32Array | Float64Array; size: number };
type BinaryPart = { positions: Positions };
type BinaryTile = { points?: BinaryPart; lines?: BinaryPart; polygons?: BinaryPart };
type TileIndex = { x: number; y: number; z: number };
type SubLayerProps = Parameters<MVTLayer["renderSubLayers"]>[0];

/** A tile that is not there holds nothing; deck.gl would report it as an error. */
async function fetchTile(url: string, context: { layer: Layer; loadOptions?: unknown; signal?: AbortSignal }): Promise<unknown> {
  const response = await fetch(url, { signal: context.signal });
  if (response.status === 404 || response.status === 204) return null;
  if (!response.ok) throw new Error(`${response.status} ${url}`);
  return MVTLoader.parse(await response.arrayBuffer(), context.loadOptions as never);
}

export class ParkVector extends MVTLayer<Record<string, unknown>, Lift> {
  static override layerName = "MVTLayer";
  static override defaultProps = {
    ...MVTLayer.defaultProps,
    loaders: { type: "array", value: [MVTLoader], ignore: true },
    fetch: { type: "function", value: fetchTile, ignore: true },
    ground: { type: "object", value: null, optional: true },
  } as never;

  override async getTileData(props: Parameters<MVTLayer["getTileData"]>[0]): Promise<never> {
    const tile = (await super.getTileData(props)) as unknown as BinaryTile | null;
    if (!tile || Array.isArray(tile)) return null as never;
    const { ground } = this.props;
    if (ground) {
      const index = props.index as TileIndex;
      for (const part of [tile.points, tile.lines, tile.polygons]) if (part?.positions) lift(part.positions, index, ground);
    }
    return tile as never;
  }

  override renderSubLayers(props: SubLayerProps): Layer | null | LayersList {
    if (!(props as { data?: unknown }).data) return null;
    return super.renderSubLayers(props);
  }
}

/** Gives flat tile coordinates (0 to 1) a height, in the unit that deck.gl's world has: 512 of them round the earth. */
export function lift(positions: Positions, { x, y, z }: TileIndex, ground: Ground): void {
  if (positions.size !== 2) return;
  const tiles = 2 ** z;
  const count = positions.value.length / 2;
  const lifted = new Float32Array(count * 3);
  for (let i = 0; i < count; i++) {
    const u = positions.value[i * 2]!;
    const v = positions.value[i * 2 + 1]!;
    const longitude = ((x + u) / tiles) * 360 - 180;
    const latitude = (Math.atan(Math.sinh(Math.PI * (1 - (2 * (y + v)) / tiles))) * 180) / Math.PI;
    lifted[i * 3] = u;
    lifted[i * 3 + 1] = v;
    lifted[i * 3 + 2] = ground.heightAt(longitude, latitude) / metresPerPixel(0, latitude);
  }
  positions.value = lifted;
  positions.size = 3;
}

