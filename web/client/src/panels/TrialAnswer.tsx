/** What a tried change would give: the number, by how much it differs, its interval, and the pieces that change. */
import { useTranslation } from "react-i18next";

import type { Preview } from "../api/types";
import { formatChange, formatQuantity, formatValue } from "../i18n/format";
import { type Trial, useStore } from "../state/store";
import { barPlaces } from "./interval";

export function TrialAnswer({ trial }: { trial: Trial }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const measure = useStore((state) => state.measures.find((one) => one.id === trial.measure));
  const title = measure ? (language === "zh" ? measure.title_zh : measure.title_en) : trial.measure;
  const isOld = trial.isBusy && trial.shown !== trial.poses;
  return (
    <section className={`trial-answer ${isOld ? "is-old" : ""}`} aria-live="polite" aria-busy={trial.isBusy}>
      <p className="trial-measure">
        <b>{title}</b>
        {trial.isBusy && <i className="progress" />}
      </p>
      {trial.preview ? <Found preview={trial.preview} quantity={measure?.quantity ?? "m2"} unit={measure?.unit ?? "1"} /> : !trial.failed && <p className="dim trial-first">{t("trial.preparing")}</p>}
      {trial.failed && <p className="trial-failed">{trial.failed}</p>}
    </section>
  );
}

function Found({ preview, quantity, unit }: { preview: Preview; quantity: string; unit: string }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const { value, lower, upper, before } = preview;
  if (value === null) return <p className="dim trial-first">{t("answer.notApplicableWhy")}</p>;
  const shown = formatValue(value, unit, language);
  const bounds = { value, lower: lower ?? value, upper: upper ?? value, threshold: before.value };
  const places = barPlaces(bounds, unit === "1");
  const text = (number: number): string => formatValue(number, unit, language).number;
  return (
    <>
      <p className="big" data-testid="trial-value">
        {shown.number}
        <small> {shown.unit}</small>
        <Delta preview={preview} unit={unit} />
      </p>
      <div className="bar is-trial" role="img" aria-label={t("answer.interval", { value: text(value), lower: text(bounds.lower), upper: text(bounds.upper) })}>
        <b style={{ width: `${places.value}%` }} />
        <u style={{ left: `${places.low}%`, width: `${places.high - places.low}%` }} />
        {places.threshold !== null && <s style={{ left: `${places.threshold}%` }} />}
      </div>
      <p className="bounds">
        <span>
          <span className="dim">{t("trial.before")}</span> {before.value === null ? "–" : text(before.value)}
        </span>
        <span>
          <span className="dim">{t("answer.lower")}</span> {text(bounds.lower)}
        </span>
        <span>
          <span className="dim">{t("answer.upper")}</span> {text(bounds.upper)}
        </span>
      </p>
      <Pieces preview={preview} quantity={quantity} />
    </>
  );
}

/** "▲ 0.42 points": by how much the number changes; nothing where it stays as it is. */
function Delta({ preview, unit }: { preview: Preview; unit: string }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const delta = preview.delta ?? 0;
  const way = preview.amount > 0 || delta > 0 ? "up" : preview.amount < 0 || delta < 0 ? "down" : "none";
  return (
    <span className={`delta is-${way}`} data-testid="trial-delta" data-amount={preview.amount}>
      {way === "none" ? t("trial.same") : `${way === "up" ? "▲" : "▼"} ${formatChange(delta, unit, language)}`}
    </span>
  );
}

function Pieces({ preview, quantity }: { preview: Preview; quantity: string }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const sum = (change: string): number => preview.gaps.features.filter((one) => one.properties?.change === change).reduce((total, one) => total + Number(one.properties?.amount), 0);
  return (
    <ul className="trial-pieces">
      <li>
        <i className="swatch is-closed" />
        {t("trial.closed")}
        <span className="num">{formatQuantity(sum("closed"), quantity, language)}</span>
      </li>
      <li>
        <i className="swatch is-opened" />
        {t("trial.opened")}
        <span className="num">{formatQuantity(sum("opened"), quantity, language)}</span>
      </li>
    </ul>
  );
}
