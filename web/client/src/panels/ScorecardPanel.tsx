/** The evaluator's panel: a standard's clauses, each measured against its requirement; a row opens its evidence. */
import { Button, Select } from "antd";
import { useTranslation } from "react-i18next";

import type { Indicator, Scorecard } from "../api/types";
import { formatValue } from "../i18n/format";
import { flyHome } from "../map/flight";
import { clearAnswer, loadScorecard, numberOf, showIndicator } from "../state/measure";
import { source } from "../state/source";
import { useStore } from "../state/store";
import { AnswerCard } from "./AnswerCard";
import { Running } from "./MeasurePanel";
import { Verdict } from "./Verdict";

export function ScorecardPanel() {
  const { t } = useTranslation();
  const { packs, packId, language, answer, running, scorecard, isScoring, park } = useStore();
  if (answer && !running) {
    return (
      <AnswerCard
        answer={answer}
        action={
          <Button block onClick={clearAnswer} data-testid="back-to-scorecard">
            {t("measure.action.evaluate")}
          </Button>
        }
      />
    );
  }
  const models = park?.counts.models ?? 0;
  const qualityPage = source().qualityPage;
  if (packs.length === 0) return <p className="dim empty-note">{t("scorecard.empty")}</p>;
  return (
    <div className="scorecard" data-testid="scorecard-panel">
      <h2>{t("scorecard.title")}</h2>
      <Select
        value={packId ?? undefined}
        onChange={(pack: string) => void loadScorecard(pack)}
        aria-label={t("scorecard.choose")}
        data-testid="pack-select"
        style={{ width: "100%" }}
        options={packs.map((pack) => ({ value: pack.id, label: language === "zh" ? pack.title_zh : pack.title_en }))}
      />
      {running && <Running since={running.since} />}
      {scorecard ? <Table scorecard={scorecard} /> : <Load isScoring={isScoring} packId={packId} />}
      {qualityPage && models > 0 && (
        <a className="link" href={qualityPage(language)} target="_blank" rel="noreferrer" data-testid="quality-link">
          {t("scorecard.quality")} ↗
        </a>
      )}
    </div>
  );
}

function Load({ isScoring, packId }: { isScoring: boolean; packId: string | null }) {
  const { t } = useTranslation();
  if (isScoring) {
    return (
      <div className="running" role="status">
        <i className="progress" />
        {t("scorecard.loading")}
      </div>
    );
  }
  return (
    <Button type="primary" block disabled={!packId} onClick={() => packId && void loadScorecard(packId)} data-testid="score">
      {t("scorecard.load")}
    </Button>
  );
}

function Table({ scorecard }: { scorecard: Scorecard }) {
  const { t } = useTranslation();
  return (
    <>
      <Totals scorecard={scorecard} />
      <table className="score-table" data-testid="score-table">
        <thead>
          <tr>
            <th scope="col">{t("scorecard.indicator")}</th>
            <th scope="col" className="num">
              {t("scorecard.value")}
            </th>
            <th scope="col" className="num">
              {t("scorecard.points")}
            </th>
          </tr>
        </thead>
        <tbody>
          {scorecard.indicators.map((indicator) => (
            <Row key={indicator.id} indicator={indicator} />
          ))}
        </tbody>
      </table>
    </>
  );
}

/** Points of what is decided; a range where bounds leave one open. */
export function pointsText(points: [number, number] | null, max: number | null): string {
  if (!points) return max === null ? "–" : `– / ${max}`;
  const [low, high] = points.map((value) => Math.round(value * 100) / 100);
  const own = low === high ? String(low) : `${low}–${high}`;
  return max === null ? own : `${own} / ${max}`;
}

/** The sum of points and of what they could be, and how many rows are decided. */
export function totalsOf(scorecard: Scorecard): { low: number; high: number; max: number; decided: number; count: number } {
  let [low, high, max, decided] = [0, 0, 0, 0];
  for (const { points, max_points, verdict } of scorecard.indicators) {
    low += points?.[0] ?? 0;
    high += points?.[1] ?? 0;
    max += max_points ?? 0;
    if (verdict === "pass" || verdict === "partial" || verdict === "fail") decided++;
  }
  return { low, high, max, decided, count: scorecard.indicators.length };
}

function Totals({ scorecard }: { scorecard: Scorecard }) {
  const { t } = useTranslation();
  const { low, high, max, decided, count } = totalsOf(scorecard);
  return (
    <div className="totals">
      {max > 0 && (
        <p className="big">
          {pointsText([low, high], null)}
          <small> {t("scorecard.of", { max })}</small>
        </p>
      )}
      <p className="dim">
        {t("scorecard.edition")} {scorecard.edition} · {t("scorecard.decided", { decided, count })}
      </p>
    </div>
  );
}

function Row({ indicator }: { indicator: Indicator }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const title = language === "zh" ? indicator.title_zh : indicator.title_en;
  const note = (language === "zh" ? indicator.note_zh : indicator.note_en) ?? indicator.note;
  const hasEvidence = Boolean(indicator.run || indicator.measure) && indicator.value !== null;
  return (
    <tr data-testid="score-row" data-indicator={indicator.id}>
      <td>
        <span className="clause">{indicator.clause}</span> {title}
        <span className="row-foot">
          <Verdict verdict={indicator.verdict} />
          {hasEvidence && (
            <button className="link" onClick={() => void showIndicator(indicator).then(() => flyHome())} data-testid="evidence">
              {t("scorecard.evidence")}
            </button>
          )}
        </span>
        {note && <span className="dim row-note">{note}</span>}
      </td>
      <td className="num">
        <Measured indicator={indicator} />
        {indicator.threshold !== null && indicator.threshold !== undefined && <span className="dim bounds-small">{thresholdText(indicator, language)}</span>}
      </td>
      <td className="num">{pointsText(indicator.points, indicator.max_points)}</td>
    </tr>
  );
}

function Measured({ indicator }: { indicator: Indicator }) {
  const language = useStore((state) => state.language);
  const { value, lower, upper } = indicator;
  if (value === null) return <span className="dim">–</span>;
  const unit = indicator.unit ?? "1";
  const shown = formatValue(value, unit, language);
  const isOpen = lower !== null && upper !== null && lower !== upper;
  return (
    <>
      <b>
        {shown.number} {shown.unit}
      </b>
      {isOpen && (
        <span className="dim bounds-small">
          {formatValue(lower, unit, language).number}–{formatValue(upper, unit, language).number}
        </span>
      )}
    </>
  );
}

/** "≥ 95 %" for a number; a text as it is written. */
export function thresholdText(indicator: Indicator, language: "zh" | "en"): string {
  const { threshold } = indicator;
  if (typeof threshold === "string") return threshold;
  const number = numberOf(threshold);
  if (number === null) return "";
  const { number: text, unit } = formatValue(number, indicator.unit ?? "1", language);
  return `≥ ${text.replace(/\.?0+$/, "")} ${unit}`.trim();
}
