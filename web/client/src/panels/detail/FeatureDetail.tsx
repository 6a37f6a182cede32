/** A feature of a flat layer with its attributes. */
import { useTranslation } from "react-i18next";

import { flyToPlace } from "../../map/flight";
import { extentOf } from "../../map/outlines";
import { type Selection, useStore } from "../../state/store";
import { Action, Head, Identity, Properties } from "./parts";

type Chosen = Extract<Selection, { type: "feature" }>;
const OWN = new Set(["id", "name", "name_zh", "picture", "image", "asset_source", "motion", "bounding_volume", "transform", "tileset"]);

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
      {typeof properties.picture === "string" && (
        <a className="picture" href={properties.picture} target="_blank" rel="noreferrer" title={t("detail.openPicture")}>
          <img src={properties.picture} alt={name || selection.id} loading="lazy" />
        </a>
      )}
      {detail ? (
        <Properties sets={[[kind, Object.entries(properties).filter(([key, value]) => !OWN.has(key) && value !== null && value !== "")]]} />
      ) : (
        <p className="dim">{t("detail.loading")}</p>
      )}
    </>
  );
}
