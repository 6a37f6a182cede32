/** How one looks at the park: the camera's modes, north, zoom. */
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { faceNorth, flyHome, followCamera, zoomBy } from "../map/flight";
import type { CameraMode } from "../map/views";
import { openSectionPanel } from "../state/section";
import { set, useStore } from "../state/store";
import { Icon, type IconName } from "./icons";
import { Segments } from "./Segments";

const MODES: [CameraMode, IconName][] = [
  ["overview", "cube"],
  ["plan", "plan"],
  ["walk", "walk"],
  ["underground", "below"],
];

export function CameraBar() {
  const { t } = useTranslation();
  const mode = useStore((state) => state.cameraMode);
  const park = useStore((state) => state.park);
  if (!park) return null;
  return (
    <>
      <div className="panel camera-bar">
        <Segments
          label={t("camera.label")}
          value={mode}
          options={MODES.map(([value, icon]) => ({
            value,
            title: t(`camera.${value}`),
            testId: `camera-${value}`,
            label: (
              <>
                <Icon name={icon} size={17} />
                <span>{t(`camera.${value}`)}</span>
              </>
            ),
          }))}
          onChange={(next) => set({ cameraMode: next })}
        />
        <span className="divider" />
        <SectionButton />
        <button className="icon-button" onClick={() => flyHome()} aria-label={t("top.home")} title={t("top.home")} data-testid="home">
          <Icon name="home" size={17} />
        </button>
        {mode !== "walk" && (
          <>
            <North />
            <button className="icon-button" onClick={() => zoomBy(1)} aria-label={t("camera.zoomIn")} title={t("camera.zoomIn")}>
              <Icon name="plus" size={17} />
            </button>
            <button className="icon-button" onClick={() => zoomBy(-1)} aria-label={t("camera.zoomOut")} title={t("camera.zoomOut")}>
              <Icon name="minus" size={17} />
            </button>
          </>
        )}
      </div>
      {mode === "walk" && (
        <p className="panel walk-help" role="status">
          {t("camera.walkHelp")}
        </p>
      )}
    </>
  );
}

/** Opens the panel of the section; marked while something is cut. */
function SectionButton() {
  const { t } = useTranslation();
  const isOpen = useStore((state) => state.isSectionOpen);
  const isCut = useStore((state) => state.section !== null);
  return (
    <button
      className={`icon-button ${isCut ? "is-on" : ""}`}
      onClick={() => openSectionPanel(!isOpen)}
      aria-pressed={isOpen}
      aria-label={t("section.label")}
      title={t("section.label")}
      data-testid="section-open"
    >
      <Icon name="section" size={17} />
    </button>
  );
}

/** The needle points north; a press turns the view there. */
function North() {
  const { t } = useTranslation();
  const [bearing, setBearing] = useState(0);
  useEffect(() => followCamera((camera) => setBearing(Math.round(camera.bearing))), []);
  return (
    <button className="icon-button" onClick={faceNorth} aria-label={t("camera.north")} title={t("camera.north")}>
      <span className="needle" style={{ transform: `rotate(${-bearing}deg)` }}>
        <Icon name="north" size={17} />
      </span>
    </button>
  );
}
