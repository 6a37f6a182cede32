/** A device: kind, place, status and what its table says of it. */
import { useTranslation } from "react-i18next";

import type { Device } from "../../api/types";
import { word } from "../../i18n";
import { formatAmount, formatLonLat } from "../../i18n/format";
import { buildingName, deviceName } from "../../state/names";
import { bringIntoSight, flyToPlace } from "../../map/flight";
import { chooseStorey, openBuilding } from "../../state/selection";
import { source } from "../../state/source";
import { useStore } from "../../state/store";
import { measureFor, startTrial } from "../../state/trial";
import { DeviceGlyph } from "../LayerTree";
import { Action, Facts, Head, Identity, Properties } from "./parts";

export function DeviceDetail({ device, id }: { device: Device | null; id: string }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const theme = useStore((state) => state.theme);
  const buildings = useStore((state) => state.buildings);
  useStore((state) => state.answer?.result.measure); // what it can be tried by
  useStore((state) => state.measures);
  if (!device) return <Head kind={t("detail.device")} title={id} />;
  const building = buildings.find((one) => one.id === device.building_id);
  const fly = async (): Promise<void> => {
    if (device.building_id && device.storey_id) {
      await openBuilding(device.building_id);
      chooseStorey(device.storey_id);
    }
    flyToPlace([device.lon, device.lat, device.h_m], device.storey_id ? 14 : 40);
  };
  const tryChange = (): void => {
    startTrial(device);
    bringIntoSight([device.lon, device.lat, device.h_m]);
  };
  return (
    <>
      <Head kind={word(`deviceKind.${device.kind}`, device.kind)} title={deviceName(device, language)} mark={<DeviceGlyph kind={device.kind} theme={theme} />} />
      <Identity label={t("detail.id")} id={device.id} testId="device-id" />
      <div className="actions">
        <Action icon="target" label={t("detail.flyTo")} onClick={() => void fly()} testId="fly-to" />
        {source().preview && measureFor(device) && <Action icon="turn" label={t("trial.start")} onClick={tryChange} testId="try-change" isPrimary />}
      </div>
      <Facts
        facts={[
          [t("detail.status"), word(`deviceStatus.${device.status}`, device.status)],
          [t("detail.building_"), building && buildingName(building, language)],
          [t("detail.heightAbove"), device.height_m === null ? null : `${formatAmount(device.height_m, language)} m`],
          [t("detail.position"), <span className="num">{formatLonLat(device.lon, device.lat)}</span>],
        ]}
      />
      <Properties sets={[[t("detail.device"), Object.entries(device.attributes).filter(([, value]) => value !== null && value !== "")]]} />
    </>
  );
}
