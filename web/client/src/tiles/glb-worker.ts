/** Decodes tiles off the main thread; the arrays are handed over, not copied. */
import { MeshoptDecoder } from "meshoptimizer/decoder";

import { parseTile } from "./parse-b3dm";
import { tableBuffers } from "./table";

self.onmessage = async ({ data }: MessageEvent<ArrayBuffer>) => {
  try {
    await MeshoptDecoder.ready;
    const parsed = parseTile(data, MeshoptDecoder);
    const { positions, normals, colors, featureIds, feet, indices, edges } = parsed.mesh;
    const arrays = [positions, normals, colors, featureIds, feet, indices, edges].map((array) => array.buffer as ArrayBuffer);
    self.postMessage({ parsed }, { transfer: [...arrays, ...tableBuffers(parsed.table)] });
  } catch (error) {
    self.postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
};
