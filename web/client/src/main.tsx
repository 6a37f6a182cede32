import { httpSource } from "./api/http";
import { mount } from "./app/mount";
import { get } from "./state/store";
import { decodeWith } from "./tiles/decode";
import GlbWorker from "./tiles/glb-worker?worker";
import { createTilesLoader } from "./tiles/loader";

mount(document.getElementById("app")!, {
  source: httpSource(() => get().language),
  map: { materials: { tilesLoader: createTilesLoader(decodeWith(new GlbWorker())), features: null, meshes: null } },
});
