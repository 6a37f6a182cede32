/** A building: names, size, use, and the way inside where there is a model. */
import { useTranslation } from "react-i18next";

import type { Building } from "../../api/types";
import { word } from "../../i18n";
import { formatAmount } from "../../i18n/format";
import { buildingName } from "../../state/names";
import { flyToBuilding, flyToStorey } from "../../map/flight";
import { chooseStorey, sortStoreys } from "../../state/selection";
import { useStore } from "../../state/store";
import { Action, Facts, Head, Identity } from "./parts";
import { Versions } from "./Versions";

export function BuildingDetail({ building, id }: { building: Building | null; id: string }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const storeys = useStore((state) => state.storeys);
  if (!building) return <Head kind={t("detail.building")} title={id} />;
  const other = language === "zh" ? building.name : building.name_zh;
  const own = buildingName(building, language);
  const enter = (): void => {
    const sorted = sortStoreys(storeys);
    const ground = sorted.find((storey) => storey.spaces.length > 0 && storey.elevation_m >= -0.5) ?? sorted[0];
    if (!ground) return;
    chooseStorey(ground.id);
    flyToStorey(ground);
  };
  return (
    <>
      <Head kind={t("detail.building")} title={own} />
      <Identity label={t("detail.id")} id={building.id} testId="building-id" />
      <div className="actions">
        <Action icon="target" label={t("detail.flyTo")} onClick={() => flyToBuilding(building.id)} testId="fly-to" />
        {storeys.length > 0 && <Action icon="isolate" label={t("detail.open")} onClick={enter} testId="look-inside" isPrimary />}
      </div>
      <Facts
        facts={[
          [t("detail.name"), other && other !== own ? other : null],
          [t("detail.usage"), building.usage && word(`usage.${building.usage}`, building.usage)],
          [t("detail.storeys"), building.storeys],
          [t("detail.height"), `${formatAmount(building.height_m, language)} m`],
          [t("detail.base"), `${formatAmount(building.base_h_m, language)} m`],
        ]}
      />
      {building.models[0] && <Versions model={building.models[0]} />}
    </>
  );
}
