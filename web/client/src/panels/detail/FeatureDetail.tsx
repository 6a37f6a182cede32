/** A feature of a flat layer with its attributes. */
import { useTranslation } from "react-i18next";
import type { Geometry } from "geojson";

import { flyToPlace } from "../../map/flight";
import { distance } from "../../map/earth";
import { type Selection, useStore } from "../../state/store";
import { Action, Head, Identity, Properties } from "./parts";

type Chosen = Extract<Selection, { type: "feature" }>;
const OWN = new Set(["id", "name", "name_zh"]);

export function FeatureDetail({ selection }: { selection: Chosen }) {
  const { t } = useTranslation();
  const { layers, language } = useStore();
  const layer = layers.find((one) => one.id === selection.layer);
  const kind = layer ? (language === "zh" ? layer.title_zh : layer.title_en) : t("detail.feature");
  const { detail } = selection;
  const properties = detail?.properties ?? {};
  const name = (language === "zh" ? properties.name_zh || properties.name : properties.name || properties.name_zh) as string | undefined;
  const extent = detail?.geometry ? extentOf(detail.geometry) : null;
  return (
    <>
      <Head kind={kind} title={name || selection.id} />
      <Identity label={t("detail.id")} id={selection.id} testId="feature-id" />
      {extent && (
        <div className="actions">
          <Action icon="target" label={t("detail.flyTo")} onClick={() => flyToPlace([...extent.middle, 0], Math.max(20, extent.radius))} testId="fly-to" />
        </div>
      )}
      {detail ? (
        <Properties sets={[[kind, Object.entries(properties).filter(([key, value]) => !OWN.has(key) && value !== null && value !== "")]]} />
      ) : (
        <p className="dim">{t("detail.loading")}</p>
      )}
    </>
  );
}

/** Middle and half diagonal [m] of a geometry's box. */
export function extentOf(geometry: Geometry): { middle: [number, number]; radius: number } | null {
  const box = [Infinity, Infinity, -Infinity, -Infinity] as [number, number, number, number];
  const visit = (coordinates: unknown): void => {
    if (!Array.isArray(coordinates)) return;
    if (typeof coordinates[0] === "number") {
      const [x, y] = coordinates as [number, number];
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x);
      box[3] = Math.max(box[3], y);
    } else coordinates.forEach(visit);
  };
  if (geometry.type === "GeometryCollection") geometry.geometries.forEach((one) => "coordinates" in one && visit(one.coordinates));
  else visit(geometry.coordinates);
  if (box[0] > box[2]) return null;
  return { middle: [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], radius: distance([box[0], box[1]], [box[2], box[3]]) / 2 };
}
