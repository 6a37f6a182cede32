import { httpSource } from "./api/http";
import { mount } from "./app/mount";
import { loadMap } from "./panels/MapCanvas";
import { get } from "./state/store";
import { decodeWith } from "./tiles/decode";
import GlbWorker from "./tiles/glb-worker?worker";

void loadMap();
mount(document.getElementById("app")!, {
  source: httpSource(() => get().language),
  map: { decode: decodeWith(new GlbWorker()), features: null, meshes: null },
});
