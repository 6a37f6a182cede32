/** An event: what, when, where, and which cameras see the place. */
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { word } from "../../i18n";
import { formatLonLat, formatTime } from "../../i18n/format";
import { buildingName, deviceName } from "../../state/names";
import { flyToPlace } from "../../map/flight";
import { select } from "../../state/selection";
import { source } from "../../state/source";
import { useStore } from "../../state/store";
import { SeverityShape, eventKind, eventMessage, openEvent } from "../EventList";
import { Action, Facts, Head } from "./parts";

export function EventDetail({ id }: { id: string }) {
  const { t } = useTranslation();
  const { events, buildings, language, devices } = useStore();
  const event = events.find((one) => one.id === id);
  if (!event) return <Head kind={t("detail.event")} title={id} />;
  const building = buildings.find((one) => one.id === event.building_id);
  const device = devices.find((one) => one.id === event.device_id);
  return (
    <>
      <Head kind={eventKind(event.kind)} title={eventMessage(event, language)} mark={<SeverityShape severity={event.severity} />} />
      <div className="actions">
        <Action icon="target" label={t("detail.flyTo")} onClick={() => void openEvent(event)} testId="fly-to" />
      </div>
      <Facts
        facts={[
          [t("events.at"), formatTime(event.at, language)],
          [t("events.severityLabel"), word(`events.severity.${event.severity}`, event.severity)],
          [t("events.statusLabel"), word(`events.status.${event.status}`, event.status)],
          [t("detail.building_"), building && buildingName(building, language)],
          [
            t("detail.device"),
            device && (
              <button className="link" onClick={() => select({ type: "device", id: device.id, detail: null })}>
                {deviceName(device, language)}
              </button>
            ),
          ],
          [t("detail.position"), <span className="num">{formatLonLat(event.lon, event.lat)}</span>],
        ]}
      />
      <SeenBy given={event.seen_by} lon={event.lon} lat={event.lat} h={event.h_m} />
    </>
  );
}

function SeenBy({ given, lon, lat, h }: { given: string[] | undefined; lon: number; lat: number; h: number }) {
  const { t } = useTranslation();
  const devices = useStore((state) => state.devices);
  const language = useStore((state) => state.language);
  const [cameras, setCameras] = useState<string[] | null>(given ?? null);
  useEffect(() => {
    if (given) return;
    source()
      .sees(lon, lat, h)
      .then((sightings) => setCameras(sightings.filter((one) => one.sees).map((one) => one.id)))
      .catch(() => setCameras([]));
  }, [given, lon, lat, h]);
  if (!cameras) return null;
  return (
    <section className="seen-by">
      <h3>{t("detail.seenBy")}</h3>
      {cameras.length === 0 && <p className="dim">{t("detail.noCamera")}</p>}
      <ul>
        {cameras.slice(0, 8).map((id) => {
          const camera = devices.find((one) => one.id === id);
          const open = (): void => {
            select({ type: "device", id, detail: null });
            if (camera) flyToPlace([camera.lon, camera.lat, camera.h_m], 45);
          };
          return (
            <li key={id}>
              <button className="link" onClick={open}>
                {camera ? deviceName(camera, language) : id}
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
