/** The answer: what is chosen, or what the role of the person asks for. */
import { useTranslation } from "react-i18next";

import { set, useStore } from "../state/store";
import { DetailPanel } from "./DetailPanel";
import { Icon } from "./icons";
import { MeasurePanel } from "./MeasurePanel";
import { ScorecardPanel } from "./ScorecardPanel";
import { TrialPanel } from "./TrialPanel";

export function RightPanel() {
  const { t } = useTranslation();
  const role = useStore((state) => state.role);
  const selection = useStore((state) => state.selection);
  const isOpen = useStore((state) => state.isRightOpen);
  const park = useStore((state) => state.park);
  const run = useStore((state) => state.answer?.result.run);
  const isTrial = useStore((state) => state.trial !== null);
  if (!park || (!isTrial && !selection && role === "manage")) return null;
  const label = isTrial ? t("trial.title") : selection ? t("detail.label") : role === "plan" ? t("measure.title") : t("scorecard.title");
  const shown = isTrial ? "trial" : selection ? `${selection.type}/${selection.id}` : `${role}/${run ?? ""}`; // another thing begins at its top
  if (!isOpen) {
    return (
      <aside className="panel right is-closed" aria-label={label}>
        <button className="icon-button" onClick={() => set({ isRightOpen: true })} aria-label={t("left.expand")} title={label}>
          <Icon name="left" size={18} />
        </button>
      </aside>
    );
  }
  return (
    <aside className={`panel right is-${isTrial || selection ? "detail" : role}`} aria-label={label} data-testid="right-panel">
      <button className="sheet-handle" onClick={() => set({ isRightOpen: false })} aria-label={t("left.collapse")} title={t("left.collapse")}>
        <i />
      </button>
      <div className="right-body" key={shown}>{isTrial ? <TrialPanel /> : selection ? <DetailPanel selection={selection} /> : role === "plan" ? <MeasurePanel /> : <ScorecardPanel />}</div>
    </aside>
  );
}
