/** Bottom left: coordinates under the pointer, the scale, and how old the data is. */
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { formatLonLat, formatNumber, formatTime } from "../i18n/format";
import { metresPerPixel, scaleDenominator } from "../map/earth";
import { followCamera } from "../map/flight";
import type { Camera } from "../map/views";
import { useStore } from "../state/store";

const WIDEST_PX = 110;

/** A round length that fits, and its width on the screen. [m, px] */
export function scaleBar(metresPerPx: number, widest = WIDEST_PX): { metres: number; pixels: number } {
  const most = metresPerPx * widest;
  const power = 10 ** Math.floor(Math.log10(most));
  const metres = [5, 2, 1].map((step) => step * power).find((length) => length <= most) ?? power;
  return { metres, pixels: metres / metresPerPx };
}

export function StatusBar() {
  const { t } = useTranslation();
  const { park, language, cameraMode, updatedAt } = useStore();
  const [camera, setCamera] = useState<Camera | null>(null);
  const [pointer, setPointer] = useState<{ lon: number; lat: number } | null>(null);
  useEffect(() => followCamera(setCamera), []);
  useEffect(() => {
    const element = document.getElementById("map");
    const onPointer = (event: Event): void => setPointer((event as CustomEvent<{ lon: number; lat: number } | null>).detail);
    element?.addEventListener("parktwin:pointer", onPointer);
    return () => element?.removeEventListener("parktwin:pointer", onPointer);
  }, []);
  if (!park || !camera) return null;
  const at = pointer ?? { lon: camera.longitude, lat: camera.latitude };
  const bar = scaleBar(metresPerPixel(camera.zoom, camera.latitude));
  const length = bar.metres >= 1000 ? `${bar.metres / 1000} km` : bar.metres >= 1 ? `${bar.metres} m` : `${Math.round(bar.metres * 100)} cm`;
  return (
    <footer className="status" data-testid="status">
      {cameraMode !== "walk" && (
        <span className="scale" title={t("status.scale")}>
          <i style={{ width: bar.pixels }} />
          {length}
          <span className="ratio">1 : {formatNumber(scaleDenominator(camera.zoom, camera.latitude), language)}</span>
        </span>
      )}
      <span className="coordinates" title={t("status.coordinates")}>
        {formatLonLat(at.lon, at.lat)}
      </span>
      {updatedAt !== null && <span className="updated">{t("status.updated", { time: formatTime(updatedAt, language) })}</span>}
    </footer>
  );
}
