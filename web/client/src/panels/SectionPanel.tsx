/** The section in numbers: its kind, each face by keyboard or mouse, turned and given up. */
import { InputNumber, Slider } from "antd";
import { useTranslation } from "react-i18next";

import { lookedAt } from "../map/flight";
import { type Section, type SectionBox, type SectionPlane, type Vector, pushed } from "../section/section";
import { beginSection, changeSection, endSection, openSectionPanel } from "../state/section";
import { useStore } from "../state/store";
import { Icon } from "./icons";
import { Segments } from "./Segments";

type Kind = "none" | Section["kind"];

export function SectionPanel() {
  const { t } = useTranslation();
  const { isSectionOpen, section } = useStore();
  if (!isSectionOpen) return null;
  const choose = (kind: Kind): void => {
    if (kind === "none") endSection();
    else if (kind !== section?.kind) beginSection(kind, lookedAt());
  };
  return (
    <section className="panel section-panel" aria-label={t("section.label")} data-testid="section-panel">
      <header>
        <h2>{t("section.label")}</h2>
        <Segments<Kind>
          className="is-small"
          label={t("section.kind")}
          value={section?.kind ?? "none"}
          options={(["none", "plane", "box"] as const).map((kind) => ({ value: kind, label: t(`section.kinds.${kind}`), testId: `section-${kind}` }))}
          onChange={choose}
        />
        <button className="icon-button is-small" onClick={() => openSectionPanel(false)} aria-label={t("section.close")} title={t("section.close")} data-testid="section-close">
          <Icon name="close" size={14} />
        </button>
      </header>
      {section?.kind === "plane" && <PlaneFields section={section} />}
      {section?.kind === "box" && <BoxFields section={section} />}
      {section && <p className="dim section-note">{t("section.note")}</p>}
    </section>
  );
}

function PlaneFields({ section }: { section: SectionPlane }) {
  const { t } = useTranslation();
  return (
    <div className="section-fields">
      <Mover label={t("section.move")} onMove={(metres) => changeSection(pushed(section, "plane", metres))} />
      <Angle label={t("section.azimuth")} value={section.azimuth} from={0} to={360} onChange={(azimuth) => changeSection({ ...section, azimuth })} testId="section-azimuth" />
      <Angle label={t("section.tilt")} value={section.tilt} from={-90} to={90} onChange={(tilt) => changeSection({ ...section, tilt })} testId="section-tilt" />
    </div>
  );
}

const SIZES = ["across", "along", "up"] as const;

function BoxFields({ section }: { section: SectionBox }) {
  const { t } = useTranslation();
  const resize = (axis: number, size: number): void => {
    changeSection({ ...section, half: section.half.map((half, i) => (i === axis ? Math.max(0.05, size / 2) : half)) as Vector });
  };
  return (
    <div className="section-fields">
      {SIZES.map((name, axis) => (
        <label key={name} className="section-field">
          <span>{t(`section.sizes.${name}`)}</span>
          <InputNumber
            size="small"
            min={0.1}
            step={0.5}
            precision={2}
            value={section.half[axis]! * 2}
            onChange={(value) => value !== null && resize(axis, value)}
            data-testid={`section-${name}`}
          />
          <span className="dim">m</span>
        </label>
      ))}
      <label className="section-field">
        <span>{t("section.middle")}</span>
        <InputNumber
          size="small"
          step={0.5}
          precision={2}
          value={section.at[2]}
          onChange={(value) => value !== null && changeSection({ ...section, at: [section.at[0], section.at[1], value] })}
          data-testid="section-height"
        />
        <span className="dim">m</span>
      </label>
      <Angle label={t("section.turn")} value={section.turn} from={0} to={180} onChange={(turn) => changeSection({ ...section, turn })} testId="section-turn" />
    </div>
  );
}

const STEPS_M = [-5, -1, -0.2, 0.2, 1, 5];

/** Moves the plane by steps, so that a keyboard can. */
function Mover({ label, onMove }: { label: string; onMove: (metres: number) => void }) {
  return (
    <div className="section-field is-mover" role="group" aria-label={label}>
      <span>{label}</span>
      <span className="section-steps">
        {STEPS_M.map((metres) => (
          <button key={metres} onClick={() => onMove(metres)} data-testid={`section-step${metres}`}>
            {metres > 0 ? `+${metres}` : `−${-metres}`}
          </button>
        ))}
      </span>
      <span className="dim">m</span>
    </div>
  );
}

function Angle(props: { label: string; value: number; from: number; to: number; onChange: (value: number) => void; testId: string }) {
  const { label, value, from, to, onChange, testId } = props;
  return (
    <div className="section-field is-angle">
      <span>{label}</span>
      <Slider min={from} max={to} value={Math.round(value)} onChange={onChange} tooltip={{ open: false }} ariaLabelForHandle={label} />
      <InputNumber size="small" min={from} max={to} value={Math.round(value * 10) / 10} onChange={(next) => next !== null && onChange(next)} aria-label={label} data-testid={testId} />
      <span className="dim">°</span>
    </div>
  );
}
