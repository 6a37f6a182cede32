/** The exported page: the same page, told by a bundle. `Parktwin.start(element, window.PARKTWIN)` */
import { mount } from "../app/mount";
import { decodeHere } from "../tiles/decode";
import { readContent } from "../tiles/loader";
import type { PlacedTile } from "../tiles/park-meshes";
import type { Bundle, MeshTile } from "./bundle";
import { bundleSource } from "./source";

export async function start(element: HTMLElement, bundle: Bundle): Promise<void> {
  const meshes: Record<string, PlacedTile[]> = {};
  for (const [id, tiles] of Object.entries(bundle.meshes)) meshes[id] = await Promise.all(tiles.map(place));
  mount(element, {
    source: bundleSource(bundle),
    language: bundle.language,
    theme: bundle.theme,
    map: { decode: decodeHere, features: bundle.features, meshes },
  });
}

async function place({ glb, transform }: MeshTile): Promise<PlacedTile> {
  const bytes = Uint8Array.from(atob(glb), (letter) => letter.charCodeAt(0));
  return { content: await readContent(bytes.buffer as ArrayBuffer, decodeHere), transform };
}
