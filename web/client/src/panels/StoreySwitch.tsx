/** The storeys of the building that is looked at, top storey on top. */
import { useTranslation } from "react-i18next";

import { buildingName } from "../state/names";
import { flyToBuilding, flyToStorey } from "../map/flight";
import { chooseStorey, closeBuilding, sortStoreys, storeyLabels } from "../state/selection";
import { useStore } from "../state/store";
import { Icon } from "./icons";

export function StoreySwitch() {
  const { t } = useTranslation();
  const { buildingId, storeys, storeyId, buildings, language, role, selection, isRightOpen } = useStore();
  const building = buildings.find((one) => one.id === buildingId);
  if (!building || storeys.length === 0) return null;
  const labels = storeyLabels(storeys);
  const sorted = sortStoreys(storeys).reverse();
  const hasPanel = selection !== null || role !== "manage";
  const choose = (id: string | null): void => {
    chooseStorey(id);
    const storey = storeys.find((one) => one.id === id);
    if (storey) flyToStorey(storey);
    else flyToBuilding(building.id);
  };
  return (
    <div
      className={`panel storeys ${hasPanel ? (isRightOpen ? `beside-${selection ? "detail" : role}` : "beside-closed") : ""}`}
      role="group"
      aria-label={t("storey.building", { name: buildingName(building, language) })}
      data-testid="storeys"
    >
      <button aria-pressed={storeyId === null} onClick={() => choose(null)} data-testid="storey-all">
        {t("storey.all")}
      </button>
      {sorted.map((storey) => (
        <button key={storey.id} aria-pressed={storey.id === storeyId} title={storey.name} onClick={() => choose(storey.id)} data-testid="storey" data-storey-id={storey.id}>
          {labels.get(storey.id)}
        </button>
      ))}
      <button className="storeys-close" onClick={closeBuilding} aria-label={t("storey.close")} title={t("storey.close")}>
        <Icon name="close" size={14} />
      </button>
    </div>
  );
}
