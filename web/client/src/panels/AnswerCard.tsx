/** An answer, top down: what was measured where and how high; the number; its bar; bounds and verdict; gaps; zones; the rest. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";

import type { Gap, Result } from "../api/types";
import { t, word } from "../i18n";
import { inLanguage } from "../i18n/bilingual";
import { formatAmount, formatQuantity, formatValue, unitName } from "../i18n/format";
import { flyIndoors, flyToPlace, isOutdoors } from "../map/flight";
import { clearAnswer } from "../state/measure";
import { type Answer, set, useStore } from "../state/store";
import { Basis } from "./Basis";
import { Icon } from "./icons";
import { barPlaces, verdictOf } from "./interval";
import { Makeup } from "./Makeup";
import { Verdict } from "./Verdict";

const GAPS_AT_FIRST = 6;
const ZONES_AT_FIRST = 8;

export function AnswerCard({ answer, action }: { answer: Answer; action?: ReactNode }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const measures = useStore((state) => state.measures);
  const { result } = answer;
  const measure = measures.find((one) => one.id === result.measure);
  const title = measure ? (language === "zh" ? measure.title_zh : measure.title_en) : result.measure;
  return (
    <article className="answer" aria-label={t("answer.label")} data-testid="answer">
      <header className="answer-head">
        <p>
          <b>{title}</b>
          <Where result={result} />
        </p>
        <button className="icon-button" onClick={clearAnswer} aria-label={t("answer.close")} title={t("answer.close")}>
          <Icon name="close" />
        </button>
      </header>
      {result.value === null ? <NotApplicable /> : <Number answer={answer} value={result.value} />}
      <Gaps answer={answer} />
      <Zones answer={answer} />
      <Makeup result={result} />
      <Notes result={result} />
      <Basis result={result} />
      {action}
    </article>
  );
}

function Where({ result }: { result: Result }) {
  const { t } = useTranslation();
  const { id, height_m } = result.surface;
  const parts = [id ? word(`surface.${id}`, String(id).replaceAll("_", " ")) : "", height_m === null || height_m === undefined ? "" : t("answer.height", { height: height_m })];
  return <span className="dim"> · {parts.filter(Boolean).join(" · ")}</span>;
}

function NotApplicable() {
  const { t } = useTranslation();
  return (
    <div className="not-applicable">
      <Verdict verdict="not_applicable" />
      <p className="dim">{t("answer.notApplicableWhy")}</p>
    </div>
  );
}

function Number({ answer, value }: { answer: Answer; value: number }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const { result, threshold } = answer;
  const [lower, upper] = [result.lower ?? value, result.upper ?? value];
  const shown = (number: number): string => {
    const { number: text, unit } = formatValue(number, result.unit, language, result.quantity);
    return unit === "%" ? `${text} %` : `${text} ${unit}`.trim();
  };
  const { number, unit } = formatValue(value, result.unit, language, result.quantity);
  const places = barPlaces({ value, lower, upper, threshold }, result.unit === "1");
  const verdict = answer.verdict ?? verdictOf({ value, lower, upper, threshold });
  const told = t(threshold === null ? "answer.interval" : "answer.intervalThreshold", {
    value: shown(value),
    lower: shown(lower),
    upper: shown(upper),
    threshold: threshold === null ? "" : shown(threshold),
  });
  return (
    <>
      <p className="big" data-testid="answer-value">
        {number}
        <small> {unit}</small>
      </p>
      <div className="bar" role="img" aria-label={told}>
        <b style={{ width: `${places.value}%` }} />
        <u style={{ left: `${places.low}%`, width: `${places.high - places.low}%` }} />
        {places.threshold !== null && <s style={{ left: `${places.threshold}%` }} />}
      </div>
      <p className="bounds">
        <span>
          <span className="dim">{t("answer.lower")}</span> {formatValue(lower, result.unit, language).number}
        </span>
        <span>
          <span className="dim">{t("answer.upper")}</span> {formatValue(upper, result.unit, language).number}
        </span>
        {threshold !== null && (
          <span>
            <span className="dim">{t("answer.threshold")}</span> {formatValue(threshold, result.unit, language).number}
          </span>
        )}
        {verdict && <Verdict verdict={verdict} />}
      </p>
    </>
  );
}

function Gaps({ answer }: { answer: Answer }) {
  const { result } = answer;
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const [isAll, setAll] = useState(false);
  const gaps = result.gaps;
  const listed = isAll ? gaps : gaps.slice(0, GAPS_AT_FIRST);
  return (
    <section className="card-section">
      <h3>
        {t("answer.gaps")}
        <span className="dim">{gaps.length ? t("answer.gapCount", { count: gaps.length }) : t("answer.noGaps")}</span>
      </h3>
      <ol className="gaps">
        {listed.map((gap, index) => (
          <GapLine key={gap.id} gap={gap} number={index + 1} quantity={result.quantity} zone={zoneName(answer, gap.zone, language)} />
        ))}
      </ol>
      {listed.length < gaps.length && (
        <button className="link" onClick={() => setAll(true)}>
          {t("answer.moreGaps", { count: gaps.length - listed.length })}
        </button>
      )}
    </section>
  );
}

function GapLine({ gap, number, quantity, zone }: { gap: Gap; number: number; quantity: string; zone: string }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const buildings = useStore((state) => state.buildings);
  const isChosen = useStore((state) => state.chosenGap === gap.id);
  const blockers = gap.blockers.slice(0, 2).map((id) => blockerName(id, buildings, language));
  const why = [word(`reason.${gap.reason}`, gap.reason.replaceAll("_", " ")), shortOf(gap, language), blockers.length ? t("answer.blockedBy", { what: blockers.join(language === "zh" ? "、" : ", ") }) : ""];
  const fly = (): void => {
    set({ chosenGap: gap.id });
    if (!gap.lonlat_h) return;
    const metres = Math.sqrt(quantity === "m2" ? gap.amount : 100) * 1.4;
    if (isOutdoors(gap.lonlat_h)) flyToPlace(gap.lonlat_h, Math.max(25, metres), 50);
    else void flyIndoors(gap.lonlat_h, Math.max(12, metres));
  };
  return (
    <li className={isChosen ? "is-chosen" : ""}>
      <button onClick={fly} data-testid="gap-item" data-gap-id={gap.id} aria-current={isChosen}>
        <span className="gap-number">{number}</span>
        <span className="gap-text">
          <span>{zone || t("answer.gap", { number })}</span>
          <span className="dim">{why.filter(Boolean).join(language === "zh" ? "；" : "; ")}</span>
        </span>
        <span className="gap-amount">
          {formatQuantity(gap.amount, quantity, language)}
          <span className="fly">{t("answer.flyTo")}</span>
        </span>
      </button>
    </li>
  );
}

/** "short by 12 px/m"; nothing where a gap says no number. */
export function shortOf(gap: Gap, language: "zh" | "en"): string {
  if (!gap.shortfall || !gap.shortfall_unit) return "";
  return t("answer.short", { amount: `${formatAmount(gap.shortfall, language)}${gap.shortfall_unit === "deg" ? "" : "\u00a0"}${unitName(gap.shortfall_unit)}` });
}

/** A zone by its name in the page's language. */
export function zoneName(answer: Answer, id: string | null | undefined, language: "zh" | "en"): string {
  if (!id) return "";
  const names = answer.zoneNames[id];
  if (names) return language === "zh" ? names.name_zh : names.name;
  const known = word(`position.${id}`, "");
  if (known) return known;
  const own = answer.result.zones.find((zone) => zone.id === id)?.name;
  return inLanguage(own || id, language);
}

/** "building/17" by the building's name, "element/…" by its id. */
export function blockerName(id: string, buildings: { id: string; name: string; name_zh: string | null }[], language: "zh" | "en"): string {
  const own = id.slice(id.indexOf("/") + 1);
  const building = id.startsWith("building/") ? buildings.find((one) => one.id === own) : undefined;
  if (!building) return own;
  return (language === "zh" ? building.name_zh || building.name : building.name || building.name_zh) || own;
}

function Zones({ answer }: { answer: Answer }) {
  const { result } = answer;
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const [isAll, setAll] = useState(false);
  if (!result.zones.length) return null;
  const most = result.unit === "1" ? 1 : Math.max(...result.zones.map((zone) => zone.value ?? 0), 1e-9);
  const sorted = [...result.zones].sort((a, b) => (a.value ?? Infinity) - (b.value ?? Infinity));
  const listed = isAll ? sorted : sorted.slice(0, ZONES_AT_FIRST);
  return (
    <section className="card-section">
      <h3>{t("answer.zones")}</h3>
      <ul className="zones">
        {listed.map((zone) => (
          <li key={zone.id}>
            <span className="zone-name">{zoneName(answer, zone.id, language) || zone.name || zone.id}</span>
            <span className="zone-bar" aria-hidden="true">
              <b style={{ width: `${Math.max(0, Math.min(1, (zone.value ?? 0) / most)) * 100}%` }} />
            </span>
            <span className="num">{zone.value === null ? "–" : `${formatValue(zone.value, result.unit, language).number}${result.unit === "1" ? " %" : ""}`}</span>
          </li>
        ))}
      </ul>
      {listed.length < sorted.length && (
        <button className="link" onClick={() => setAll(true)}>
          {t("answer.moreGaps", { count: sorted.length - listed.length })}
        </button>
      )}
    </section>
  );
}

function Notes({ result }: { result: Result }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  if (!result.warnings.length && !result.exclusions.length) return null;
  return (
    <section className="card-section">
      <h3>{t("answer.warnings")}</h3>
      <ul className="notes">
        {result.warnings.map((warning, index) => (
          <li key={`${warning.code}/${index}`}>
            <Icon name="info" size={14} />
            <span>
              {warning.message ?? warning.code} {warning.hint && <span className="dim">{warning.hint}</span>}
            </span>
          </li>
        ))}
        {result.exclusions.map((exclusion) => (
          <li key={exclusion.reason}>
            <Icon name="minus" size={14} />
            <span>
              {t("answer.exclusions")}
              {language === "zh" ? "：" : ": "}
              {word(`reason.${exclusion.reason}`, exclusion.reason.replaceAll("_", " "))} <span className="num">{formatQuantity(exclusion.amount, result.quantity, language)}</span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
