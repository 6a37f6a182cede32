/** Decoding a tile: by a worker where one can be started, else here. */
import type { ParsedGlb } from "./parse-glb";

export type Decode = (buffer: ArrayBuffer) => Promise<ParsedGlb>;

/** For the exported page: a file:// page may start no worker. */
export const decodeHere: Decode = async (buffer) => {
  const [{ parseGlb }, { MeshoptDecoder }] = await Promise.all([import("./parse-glb"), import("meshoptimizer/decoder")]);
  await MeshoptDecoder.ready;
  return parseGlb(buffer, MeshoptDecoder);
};

/** Answers come in any order; each request keeps its number. */
export function decodeWith(worker: Worker): Decode {
  const waiting = new Map<number, { resolve: (parsed: ParsedGlb) => void; reject: (error: Error) => void }>();
  let next = 0;
  worker.onmessage = (event: MessageEvent<{ id: number; parsed?: ParsedGlb; error?: string }>) => {
    const { id, parsed, error } = event.data;
    const request = waiting.get(id);
    waiting.delete(id);
    if (parsed) request?.resolve(parsed);
    else request?.reject(new Error(error));
  };
  return (buffer) =>
    new Promise((resolve, reject) => {
      const id = next++;
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, buffer }, [buffer]);
    });
}
