/** The map's place in the page. It is made once and outlives every change of language. */
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import type { MapSources, ParkMap as Map } from "../map/engine";
import { flyHome, setMap } from "../map/flight";
import { useStore } from "../state/store";

/** The map comes as files of its own, asked for beside those of the panels. */
export function loadMap() {
  return Promise.all([import("../map/engine"), import("../map/hook")]);
}

export function MapCanvas({ sources }: { sources: MapSources }) {
  const { t } = useTranslation();
  const parent = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let map: Map | null = null;
    let isGone = false;
    let isHome = false;
    const goHome = (): void => {
      if (isHome || !map || !useStore.getState().park) return;
      isHome = true;
      flyHome(true);
    };
    if (!document.createElement("canvas").getContext("webgl2")) {
      useStore.setState({ failure: { message: t("problem.webgl"), hint: undefined } });
      return undefined;
    }
    void loadMap().then(([{ ParkMap }, { installHook }]) => {
      if (isGone || !parent.current) return;
      map = new ParkMap(parent.current, sources);
      setMap(map);
      installHook(map);
      goHome();
    });
    const stop = useStore.subscribe(goHome);
    return () => {
      isGone = true;
      stop();
      setMap(null);
      map?.destroy();
    };
    // the sentence about WebGL is said once, in the language of that moment
  }, [sources]);
  return <div ref={parent} className="map" id="map" data-testid="map" role="application" aria-label={t("camera.map")} tabIndex={0} />;
}
