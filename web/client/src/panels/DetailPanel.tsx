/** What is known of the chosen thing. */
import { useTranslation } from "react-i18next";

import type { Selection } from "../state/store";
import { BuildingDetail } from "./detail/BuildingDetail";
import { DeviceDetail } from "./detail/DeviceDetail";
import { ElementDetail } from "./detail/ElementDetail";
import { EventDetail } from "./detail/EventDetail";
import { FeatureDetail } from "./detail/FeatureDetail";
import { SpaceDetail } from "./detail/SpaceDetail";

export function DetailPanel({ selection }: { selection: Selection }) {
  const { t } = useTranslation();
  return (
    <article className="detail" aria-label={t("detail.label")} data-testid="detail" data-type={selection.type}>
      <Kind selection={selection} />
    </article>
  );
}

function Kind({ selection }: { selection: Selection }) {
  switch (selection.type) {
    case "element":
      return <ElementDetail key={selection.id} selection={selection} />;
    case "building":
      return <BuildingDetail key={selection.id} building={selection.detail} id={selection.id} />;
    case "device":
      return <DeviceDetail key={selection.id} device={selection.detail} id={selection.id} />;
    case "feature":
      return <FeatureDetail key={selection.id} selection={selection} />;
    case "event":
      return <EventDetail key={selection.id} id={selection.id} />;
    case "space":
      return <SpaceDetail key={selection.id} id={selection.id} />;
  }
}
