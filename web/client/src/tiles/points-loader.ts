/** Tiles3DLoader for tilesets of points and ground: contents by `readPlain`, tilesets as they are with this loader named in them. */
import { Tiles3DLoader } from "@loaders.gl/3d-tiles";
import { MeshoptDecoder } from "meshoptimizer/decoder";

import { plainBytes, readPlain } from "./points-glb";

const GLB_MAGIC = 0x46546c67;

async function parse(buffer: ArrayBuffer, options: unknown, context: unknown): Promise<unknown> {
  if (buffer.byteLength > 4 && new DataView(buffer).getUint32(0, true) === GLB_MAGIC) {
    await MeshoptDecoder.ready;
    const gltf = readPlain(buffer, MeshoptDecoder as never);
    return { shape: "tile3d", type: "glTF", featureIds: null, gltfUpAxis: "Y", byteLength: buffer.byteLength, gpuMemoryUsageInBytes: plainBytes(gltf), gltf };
  }
  const stock = Tiles3DLoader.parse as (b: ArrayBuffer, o: unknown, c: unknown) => Promise<Record<string, unknown>>;
  const parsed = await stock(buffer, options, context);
  return parsed.shape === "tileset3d" ? { ...parsed, loader: plainLoader } : parsed;
}

export const plainLoader = { ...Tiles3DLoader, parse } as unknown as typeof Tiles3DLoader;
