/** Decodes tiles off the main thread; the arrays are handed over, not copied. */
import { MeshoptDecoder } from "meshoptimizer/decoder";

import { parseGlb } from "./parse-glb";

self.onmessage = async (event: MessageEvent<{ id: number; buffer: ArrayBuffer }>) => {
  const { id, buffer } = event.data;
  try {
    await MeshoptDecoder.ready;
    const parsed = parseGlb(buffer, MeshoptDecoder);
    const { positions, normals, colors, featureIds, feet, indices, edges } = parsed.mesh;
    const arrays = [positions, normals, colors, featureIds, feet, indices, edges].map((array) => array.buffer as ArrayBuffer);
    self.postMessage({ id, parsed }, { transfer: arrays });
  } catch (error) {
    self.postMessage({ id, error: String(error) });
  }
};
