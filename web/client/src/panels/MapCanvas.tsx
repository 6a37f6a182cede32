/** The map's place in the page. It is made once and outlives every change of language. */
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import { type MapSources, createMap } from "../map/engine";
import { flyHome, setMap } from "../map/flight";
import { installHook } from "../map/hook";
import { useStore } from "../state/store";

export function MapCanvas({ sources }: { sources: MapSources }) {
  const { t } = useTranslation();
  const parent = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const map = createMap(parent.current!, sources);
    setMap(map);
    installHook(map);
    let isHome = false;
    const goHome = (): void => {
      if (isHome || !useStore.getState().park) return;
      isHome = true;
      flyHome(true);
    };
    goHome();
    const stop = useStore.subscribe(goHome);
    return () => {
      stop();
      setMap(null);
      map.destroy();
    };
  }, [sources]);
  return <div ref={parent} className="map" id="map" data-testid="map" role="application" aria-label={t("camera.map")} tabIndex={0} />;
}
