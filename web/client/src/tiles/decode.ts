/** Decoding a tile: by workers where they can be started, else here. */
import type { ParsedGlb } from "./parse-glb";

export type Decode = (buffer: ArrayBuffer) => Promise<ParsedGlb>;

/** For the exported page: a file:// page may start no worker. */
export const decodeHere: Decode = async (buffer) => {
  const [{ parseTile }, { MeshoptDecoder }] = await Promise.all([import("./parse-b3dm"), import("meshoptimizer/decoder")]);
  await MeshoptDecoder.ready;
  return parseTile(buffer, MeshoptDecoder);
};

interface Request {
  buffer: ArrayBuffer;
  resolve: (parsed: ParsedGlb) => void;
  reject: (error: Error) => void;
}

/** Workers started one after the other as tiles wait for them; each has one tile at a time, so that none waits behind a large one. */
export function decodeWith(start: () => Worker, most: number): Decode {
  const waiting: Request[] = [];
  const idle: Worker[] = [];
  let started = 0;
  const give = (worker: Worker): void => {
    const request = waiting.shift();
    if (!request) {
      idle.push(worker);
      return;
    }
    worker.onmessage = ({ data }: MessageEvent<{ parsed?: ParsedGlb; error?: string }>) => {
      if (data.parsed) request.resolve(data.parsed);
      else request.reject(new Error(data.error));
      give(worker);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      worker.terminate();
      started--;
      request.reject(new Error(event.message));
      next();
    };
    worker.postMessage(request.buffer, [request.buffer]);
  };
  const next = (): void => {
    if (!waiting.length) return;
    const worker = idle.pop() ?? (started < most ? (started++, start()) : undefined);
    if (worker) give(worker);
  };
  return (buffer) =>
    new Promise((resolve, reject) => {
      waiting.push({ buffer, resolve, reject });
      next();
    });
}
