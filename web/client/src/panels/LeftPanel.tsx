/** Layers and events: one list at a time. */
import { useTranslation } from "react-i18next";

import { showEvents } from "../state/park";
import { set, useStore } from "../state/store";
import { EventList } from "./EventList";
import { Icon } from "./icons";
import { LayerTree } from "./LayerTree";

export function LeftPanel() {
  const { t } = useTranslation();
  const isOpen = useStore((state) => state.isLeftOpen);
  const tab = useStore((state) => state.leftTab);
  const unseen = useStore((state) => state.unseen);
  if (!isOpen) {
    return (
      <nav className="panel left is-closed" aria-label={t("left.label")}>
        <button className="icon-button" onClick={() => set({ isLeftOpen: true, leftTab: "layers" })} aria-label={t("left.layers")} title={t("left.layers")}>
          <Icon name="layers" size={18} />
        </button>
        <button className="icon-button" onClick={showEvents} aria-label={t("left.events")} title={t("left.events")}>
          <Icon name="bell" size={18} />
          {unseen > 0 && <Badge count={unseen} />}
        </button>
      </nav>
    );
  }
  return (
    <nav className="panel left" aria-label={t("left.label")}>
      <div className="tabs" role="tablist" aria-label={t("left.label")}>
        <button role="tab" aria-selected={tab === "layers"} onClick={() => set({ leftTab: "layers" })} data-testid="tab-layers">
          {t("left.layers")}
        </button>
        <button role="tab" aria-selected={tab === "events"} onClick={showEvents} data-testid="tab-events">
          {t("left.events")}
          {unseen > 0 && <Badge count={unseen} />}
        </button>
        <button className="icon-button tabs-end" onClick={() => set({ isLeftOpen: false })} aria-label={t("left.collapse")} title={t("left.collapse")}>
          <Icon name="left" />
        </button>
      </div>
      <div className="left-body" role="tabpanel" aria-label={t(`left.${tab}`)}>
        {tab === "layers" ? <LayerTree /> : <EventList />}
      </div>
    </nav>
  );
}

function Badge({ count }: { count: number }) {
  const { t } = useTranslation();
  return (
    <span className="badge" title={t("events.unseen", { count })} data-testid="unseen">
      {count > 99 ? "99+" : count}
    </span>
  );
}
