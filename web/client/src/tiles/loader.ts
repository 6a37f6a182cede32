/**
 * Tiles3DLoader with our decoder for glb and b3dm contents.
 *
 * loaders.gl copies a glb element by element wherever a buffer view has a stride, seconds for a tile of a million triangles; ours
 * flattens it in a worker. Tilesets pass through, with this loader named in them so that their contents come back here.
 */
import { Tiles3DLoader } from "@loaders.gl/3d-tiles";

import type { Decode } from "./decode";
import type { FlatMesh } from "./parse-glb";
import { type Table, tableBytes } from "./table";

export type { Row } from "./table";

const GLB_MAGIC = 0x46546c67;
const B3DM_MAGIC = 0x6d643362;

/** What the layers read of a tile's content. */
export interface TileContent {
  mesh: FlatMesh;
  table: Table;
}

export function createTilesLoader(decode: Decode): typeof Tiles3DLoader {
  const loader = {
    ...Tiles3DLoader,
    async parse(buffer: ArrayBuffer, options: unknown, context: unknown): Promise<unknown> {
      if (isOurs(buffer)) return readTile(buffer, decode);
      const parse = Tiles3DLoader.parse as (b: ArrayBuffer, o: unknown, c: unknown) => Promise<Record<string, unknown>>;
      const parsed = await parse(buffer, options, context);
      return parsed.shape === "tileset3d" ? { ...parsed, loader } : parsed;
    },
  };
  return loader as unknown as typeof Tiles3DLoader;
}

function isOurs(buffer: ArrayBuffer): boolean {
  if (buffer.byteLength <= 4) return false;
  const magic = new DataView(buffer).getUint32(0, true);
  return magic === GLB_MAGIC || magic === B3DM_MAGIC;
}

async function readTile(buffer: ArrayBuffer, decode: Decode): Promise<unknown> {
  const byteLength = buffer.byteLength; // the buffer is gone once the worker has it
  const { mesh, table, origin } = await decode(buffer);
  const gltf: TileContent = { mesh, table };
  const place = origin ? { rtcCenter: [origin[0], -origin[2], origin[1]] } : {}; // y up to z up
  return { shape: "tile3d", type: "glTF", featureIds: null, gltfUpAxis: "Y", byteLength, gpuMemoryUsageInBytes: contentBytes(gltf), gltf, ...place };
}

/** A glb's mesh and its table. */
export async function readContent(buffer: ArrayBuffer, decode: Decode): Promise<TileContent> {
  const { mesh, table } = await decode(buffer);
  return { mesh, table };
}

/** What a tile takes while it is loaded: its arrays on the card, the same once more here, its states and its columns. [bytes] */
export function contentBytes({ mesh, table }: TileContent): number {
  const { positions, normals, colors, featureIds, feet, indices, edges, features } = mesh;
  const arrays = [positions, normals, colors, featureIds, feet, indices, edges].reduce((sum, array) => sum + array.byteLength, 0);
  return arrays + Math.ceil(features / 1024) * 4096 + tableBytes(table);
}
