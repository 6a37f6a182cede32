/** A room of the storey that is looked at. */
import { useTranslation } from "react-i18next";

import { word } from "../../i18n";
import { inLanguage } from "../../i18n/bilingual";
import { formatAmount } from "../../i18n/format";
import { centre, outlines } from "../../map/outlines";
import { flyToPlace } from "../../map/flight";
import { useStore } from "../../state/store";
import { Action, Facts, Head, Identity } from "./parts";

export function SpaceDetail({ id }: { id: string }) {
  const { t } = useTranslation();
  const { storeys, language } = useStore();
  const storey = storeys.find((one) => one.spaces.some((space) => space.id === id));
  const space = storey?.spaces.find((one) => one.id === id);
  if (!space || !storey) return <Head kind={t("detail.space")} title={id} />;
  const ring = outlines(space.outline)[0]?.[0];
  return (
    <>
      <Head kind={t("detail.space")} title={inLanguage(space.long_name || space.name || id, language)} />
      <Identity label={t("detail.globalId")} id={id} testId="space-id" />
      {ring && (
        <div className="actions">
          <Action icon="target" label={t("detail.flyTo")} onClick={() => flyToPlace([...centre(ring), space.floor_h_m], Math.max(6, Math.sqrt(space.area_m2 ?? 60)), 45)} testId="fly-to" />
        </div>
      )}
      <Facts
        facts={[
          [t("detail.name"), space.long_name ? space.name : null],
          [t("detail.usage"), space.usage && word(`usage.${space.usage}`, space.usage)],
          [t("detail.storey"), storey.name],
          [t("detail.area"), space.area_m2 === null ? null : `${formatAmount(space.area_m2, language)} m²`],
          [t("detail.height"), space.height_m === null ? null : `${formatAmount(space.height_m, language)} m`],
        ]}
      />
    </>
  );
}
