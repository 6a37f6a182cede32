/** What happens, newest first. */
import { useTranslation } from "react-i18next";

import type { ParkEvent } from "../api/types";
import { word } from "../i18n";
import { formatTime } from "../i18n/format";
import { EVENT_MARKS, EVENT_SHAPES } from "../layers/icons";
import { flyToPlace } from "../map/flight";
import { chooseStorey, openBuilding, select } from "../state/selection";
import { source } from "../state/source";
import { useStore } from "../state/store";

const LISTED = 100;

export function EventList() {
  const { t } = useTranslation();
  const events = useStore((state) => state.events);
  const isLive = useStore((state) => state.isLive);
  return (
    <>
      {source().canCompute && (
        <p className={`live ${isLive ? "is-up" : ""}`} role="status">
          <i /> {isLive ? t("events.live") : t("events.offline")}
        </p>
      )}
      {events.length === 0 && <p className="dim empty-note">{t("events.empty")}</p>}
      <ol className="events">
        {events.slice(0, LISTED).map((event) => (
          <EventLine key={event.id} event={event} />
        ))}
      </ol>
    </>
  );
}

function EventLine({ event }: { event: ParkEvent }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const isChosen = useStore((state) => state.selection?.type === "event" && state.selection.id === event.id);
  const isFresh = useStore((state) => event.id in state.pulses);
  return (
    <li>
      <button
        className={`event-line ${isFresh ? "is-fresh" : ""}`}
        aria-current={isChosen}
        onClick={() => void openEvent(event)}
        title={t("events.flyTo")}
        data-testid="event-item"
        data-event-id={event.id}
      >
        <SeverityShape severity={event.severity} />
        <span className="event-text">
          <span className="event-message">{eventMessage(event, language)}</span>
          <span className="dim">
            {eventKind(event.kind)} · {word(`events.status.${event.status}`, event.status)}
          </span>
        </span>
        <time className="dim" dateTime={event.at}>
          {formatTime(event.at, language)}
        </time>
      </button>
    </li>
  );
}

export function SeverityShape({ severity }: { severity: string }) {
  const known = severity in EVENT_SHAPES ? severity : "info";
  return (
    <svg className={`severity is-${known}`} viewBox="0 0 24 24" role="img" aria-label={word(`events.severity.${known}`, known)}>
      <path className="shape" d={EVENT_SHAPES[known]} />
      <path className="mark" d={EVENT_MARKS[known]} />
    </svg>
  );
}

export function eventMessage(event: ParkEvent, language: "zh" | "en"): string {
  const own = language === "zh" ? event.message_zh || event.message_en : event.message_en || event.message_zh;
  return own || eventKind(event.kind);
}

export function eventKind(kind: string): string {
  return word(`events.kinds.${kind}`, kind.replaceAll("_", " "));
}

/** Goes to an event, and into the storey it happened on. */
export async function openEvent(event: ParkEvent): Promise<void> {
  if (event.building_id && event.storey_id) {
    await openBuilding(event.building_id);
    chooseStorey(event.storey_id);
  }
  select({ type: "event", id: event.id });
  flyToPlace([event.lon, event.lat, event.h_m], 45);
}
