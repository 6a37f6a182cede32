/**
 * Tiles3DLoader with our decoder for glb contents.
 *
 * loaders.gl copies a glb element by element wherever a buffer view has a stride, seconds for a tile of a million triangles; ours
 * flattens it in a worker. Tilesets pass through, with this loader named in them so that their contents come back here.
 */
import { Tiles3DLoader } from "@loaders.gl/3d-tiles";

import type { Decode } from "./decode";
import type { Columns, FlatMesh } from "./parse-glb";

const GLB_MAGIC = 0x46546c67;

/** What the layers read of a tile's content. */
export interface TileContent {
  mesh: FlatMesh;
  rows: Row[];
}
/** One element as its tile knows it; the columns are those of the property table. */
export interface Row {
  id: string;
  class?: string;
  name?: string;
  storey?: string;
  discipline?: string;
  model?: string;
  building?: string;
  [column: string]: unknown;
}

export function createTilesLoader(decode: Decode): typeof Tiles3DLoader {
  const loader = {
    ...Tiles3DLoader,
    async parse(buffer: ArrayBuffer, options: unknown, context: unknown): Promise<unknown> {
      if (buffer.byteLength > 4 && new DataView(buffer).getUint32(0, true) === GLB_MAGIC) return readTile(buffer, decode);
      const parse = Tiles3DLoader.parse as (b: ArrayBuffer, o: unknown, c: unknown) => Promise<Record<string, unknown>>;
      const parsed = await parse(buffer, options, context);
      return parsed.shape === "tileset3d" ? { ...parsed, loader } : parsed;
    },
  };
  return loader as unknown as typeof Tiles3DLoader;
}

async function readTile(buffer: ArrayBuffer, decode: Decode): Promise<unknown> {
  const byteLength = buffer.byteLength; // the buffer is gone once the worker has it
  const content = await readContent(buffer, decode);
  const { mesh } = content;
  const gpuMemoryUsageInBytes = mesh.featureIds.length * 28 + (mesh.indices.length + mesh.edges.length) * 4;
  return { shape: "tile3d", type: "glTF", featureIds: null, gltfUpAxis: "Y", byteLength, gpuMemoryUsageInBytes, gltf: content };
}

/** A glb's mesh and its rows. */
export async function readContent(buffer: ArrayBuffer, decode: Decode): Promise<TileContent> {
  const { mesh, columns } = await decode(buffer);
  return { mesh, rows: rowsOf(columns) };
}

export function rowsOf(columns: Columns): Row[] {
  const names = Object.keys(columns);
  const count = names.length ? columns[names[0]!]!.length : 0;
  return Array.from({ length: count }, (_, i) => Object.fromEntries(names.map((name) => [name, columns[name]![i]])) as Row);
}
