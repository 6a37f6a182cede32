/** Vector tiles without a CDN, lifted onto the ground: the class behind `@@type: "MVTLayer"`. */
import type { Layer, LayersList } from "@deck.gl/core";
import { MVTLayer } from "@deck.gl/geo-layers";
import { MVTLoader } from "@loaders.gl/mvt";

import type { Ground } from "../map/ground";
import type { Section } from "../section/section";
import { type Trees, treeLayer, treeSize } from "./trees";

/** What the tiles need of the ground, and whether their points are drawn as trees. */
export interface Lift {
  ground: Ground | null;
  asTrees: boolean;
  theme: string;
  /** What lies in the ground goes down by its own depth. */
  isBuried: boolean;
  /** What is kept of the trees, in heights of the scene. */
  section: Section | null;
}
type Positions = { value: Float32Array | Float64Array; size: number };
type BinaryPart = { positions: Positions; numericProps?: Record<string, { value: ArrayLike<number> }> };
type BinaryPoints = BinaryPart & { featureIds?: { value: ArrayLike<number> }; properties?: Record<string, unknown>[] };
type BinaryTile = { points?: BinaryPoints; lines?: BinaryPart; polygons?: BinaryPart; trees?: Trees };
type TileIndex = { x: number; y: number; z: number };
type SubLayerProps = Parameters<MVTLayer["renderSubLayers"]>[0];

/** A tile that is not there holds nothing; deck.gl would report it as an error. */
async function fetchTile(url: string, context: { layer: Layer; loadOptions?: unknown }): Promise<unknown> {
  const bytes = await bytesOf(url);
  return bytes && MVTLoader.parse(bytes.slice(0), context.loadOptions as never);
}

const asked = new Map<string, Promise<ArrayBuffer | null>>();

/** A road and its casing want the same tile at the same time: it is asked for once. */
function bytesOf(url: string): Promise<ArrayBuffer | null> {
  const known = asked.get(url);
  if (known) return known;
  const bytes = fetch(url).then((response) => {
    if (response.status === 404 || response.status === 204) return null;
    if (!response.ok) throw new Error(`${response.status} ${url}`);
    return response.arrayBuffer();
  });
  asked.set(url, bytes);
  const forget = (): boolean => asked.delete(url);
  bytes.then(forget, forget);
  return bytes;
}

const USUAL_DEPTH_M = 1;
// one zoom less than deck.gl would ask for: a quarter of the requests, its grid still finer than a pixel (4096 to 1024 pixels)
const ZOOM_OFFSET = -1;

export class ParkVector extends MVTLayer<Record<string, unknown>, Lift> {
  static override layerName = "MVTLayer";
  static override defaultProps = {
    ...MVTLayer.defaultProps,
    loaders: { type: "array", value: [MVTLoader], ignore: true },
    fetch: { type: "function", value: fetchTile, ignore: true },
    zoomOffset: ZOOM_OFFSET,
    ground: { type: "object", value: null, optional: true },
    asTrees: false,
    theme: "light",
    isBuried: false,
    section: { type: "object", value: null, optional: true },
  } as never;

  override async getTileData(props: Parameters<MVTLayer["getTileData"]>[0]): Promise<never> {
    const tile = (await super.getTileData(props)) as unknown as BinaryTile | null;
    if (!tile || Array.isArray(tile)) return null as never;
    const { ground, isBuried } = this.props;
    const index = props.index as TileIndex;
    if (this.props.asTrees && tile.points) tile.trees = readTrees(tile.points, index, ground);
    if (ground) {
      for (const part of [tile.points, tile.lines, tile.polygons]) {
        if (part?.positions) lift(part.positions, index, ground, isBuried ? depths(part) : null);
      }
    }
    return tile as never;
  }

  override renderSubLayers(props: SubLayerProps): Layer | null | LayersList {
    const tile = (props as { data?: BinaryTile | null }).data;
    if (!tile) return null;
    if (tile.trees) return treeLayer(props.id, tile.trees, this.props.getFillColor as never, this.props.theme, this.props.section);
    return super.renderSubLayers(props);
  }
}

/** Longitude and latitude of a place in a tile, both 0 to 1 across it. */
export function lonLatInTile({ x, y, z }: TileIndex, u: number, v: number): [number, number] {
  const tiles = 2 ** z;
  const longitude = ((x + u) / tiles) * 360 - 180;
  const latitude = (Math.atan(Math.sinh(Math.PI * (1 - (2 * (y + v)) / tiles))) * 180) / Math.PI;
  return [longitude, latitude];
}

/** Gives flat tile coordinates (0 to 1) a height: deck.gl counts z in metres even where x and y are cartesian. */
export function lift(positions: Positions, index: TileIndex, ground: Ground, depth: ((vertex: number) => number) | null = null): void {
  if (positions.size !== 2) return;
  const count = positions.value.length / 2;
  const lifted = new Float32Array(count * 3);
  for (let i = 0; i < count; i++) {
    const u = positions.value[i * 2]!;
    const v = positions.value[i * 2 + 1]!;
    const [longitude, latitude] = lonLatInTile(index, u, v);
    lifted[i * 3] = u;
    lifted[i * 3 + 1] = v;
    lifted[i * 3 + 2] = ground.heightAt(longitude, latitude) - (depth?.(i) ?? 0);
  }
  positions.value = lifted;
  positions.size = 3;
}

/** How deep each vertex lies: what its feature says, else a metre. [m] */
function depths(part: BinaryPart): (vertex: number) => number {
  const column = part.numericProps?.depth_m?.value;
  return (vertex) => {
    const depth = column?.[vertex];
    return depth !== undefined && depth > 0 ? depth : USUAL_DEPTH_M;
  };
}

/** A tree in the buffer of two tiles is drawn by the one it stands in. */
function readTrees(points: BinaryPoints, index: TileIndex, ground: Ground | null): Trees {
  const { value, size } = points.positions;
  const [lonlat, z, sizes]: number[][] = [[], [], []];
  for (let i = 0; i * size < value.length; i++) {
    const [u, v] = [value[i * size]!, value[i * size + 1]!];
    if (u < 0 || u >= 1 || v < 0 || v >= 1) continue;
    const [longitude, latitude] = lonLatInTile(index, u, v);
    const feature = points.featureIds?.value[i] ?? i;
    const numbers = Object.fromEntries(Object.entries(points.numericProps ?? {}).map(([name, column]) => [name, column.value[i]]));
    lonlat!.push(longitude, latitude);
    z!.push(ground?.heightAt(longitude, latitude) ?? 0);
    sizes!.push(...treeSize({ ...points.properties?.[feature], ...numbers }));
  }
  return { lonlat: new Float64Array(lonlat!), z: new Float32Array(z!), size: new Float32Array(sizes!) };
}
