/** The planner's panel: which measure, with which parameters, run, answer. */
import { Button, Select } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { cancelMeasure, chooseMeasure, clearAnswer, runMeasure } from "../state/measure";
import { source } from "../state/source";
import { useStore } from "../state/store";
import { AnswerCard } from "./AnswerCard";
import { grouped } from "./groups";
import { ParameterForm } from "./ParameterForm";

export function MeasurePanel() {
  const { t } = useTranslation();
  const { measures, measureId, language, answer, running } = useStore();
  if (answer && !running) {
    const again = source().canCompute && (
      <Button block onClick={clearAnswer} data-testid="measure-again">
        {t("measure.action.plan")}
      </Button>
    );
    return <AnswerCard answer={answer} action={again} />;
  }
  if (measures.length === 0) return <p className="dim empty-note">{t("measure.none")}</p>;
  const measure = measures.find((one) => one.id === measureId) ?? measures[0]!;
  return (
    <div className="measure" data-testid="measure-panel">
      <h2>{t("measure.title")}</h2>
      <Select
        value={measure.id}
        onChange={chooseMeasure}
        aria-label={t("measure.choose")}
        data-testid="measure-select"
        style={{ width: "100%" }}
        showSearch={{ optionFilterProp: "label" }}
        virtual={false}
        listHeight={420}
        options={grouped(measures).map(({ group, measures: those }) => ({
          label: t(`measure.groups.${group}`),
          options: those.map((one) => ({ value: one.id, label: language === "zh" ? one.title_zh : one.title_en })),
        }))}
      />
      {source().canCompute ? (
        <>
          <ParameterForm measure={measure} />
          {running ? <Running since={running.since} usual={running.usual} onCancel={cancelMeasure} /> : <RunButton />}
        </>
      ) : (
        <StoredResults />
      )}
      {measure.sources.length > 0 && (
        <p className="dim sources">
          {t("measure.source")} {measure.sources.join(language === "zh" ? "；" : "; ")}
        </p>
      )}
    </div>
  );
}

function RunButton() {
  const { t } = useTranslation();
  return (
    <Button type="primary" block onClick={() => void runMeasure()} data-testid="measure-run">
      {t("measure.run")}
    </Button>
  );
}

/** An offline page computes nothing: it shows what it was given for the measure. */
function StoredResults() {
  const { t } = useTranslation();
  return (
    <>
      <p className="dim">{t("measure.offline")}</p>
      <Button type="primary" block onClick={() => void runMeasure()} data-testid="measure-run">
        {t("answer.label")}
      </Button>
    </>
  );
}

export function Running({ since, usual = null, onCancel }: { since: number; usual?: number | null; onCancel?: () => void }) {
  const { t } = useTranslation();
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.round((now - since) / 1000));
  return (
    <div className="running-box">
      <div className="running" role="status" data-testid="running">
        <i className="progress" />
        <span>
          {t("measure.running", { seconds })}
          {usual !== null && <span className="dim"> {t("measure.usual", { seconds: Math.round(usual) })}</span>}
        </span>
        {onCancel && (
          <Button size="small" onClick={onCancel} data-testid="measure-cancel">
            {t("measure.cancel")}
          </Button>
        )}
      </div>
      {usual !== null && (
        <div className="progress-bar" aria-hidden="true">
          <i style={{ width: `${Math.min(96, (seconds / usual) * 100)}%` }} />
        </div>
      )}
    </div>
  );
}
