import { httpSource } from "./api/http";
import { mount } from "./app/mount";
import { loadMap } from "./panels/MapCanvas";
import { get } from "./state/store";
import { decodeWith } from "./tiles/decode";
import GlbWorker from "./tiles/glb-worker?worker";

const DECODERS = Math.min(2, Math.max(1, navigator.hardwareConcurrency - 1));

void loadMap();
mount(document.getElementById("app")!, {
  source: httpSource(() => get().language),
  map: { decode: decodeWith(() => new GlbWorker(), DECODERS), features: null, meshes: null },
});
