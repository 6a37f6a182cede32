/** The planner's panel: which measure, with which parameters, run, answer. */
import { Button, Select } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { chooseMeasure, clearAnswer, runMeasure } from "../state/measure";
import { source } from "../state/source";
import { useStore } from "../state/store";
import { AnswerCard } from "./AnswerCard";
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
        options={measures.map((one) => ({ value: one.id, label: language === "zh" ? one.title_zh : one.title_en }))}
      />
      {source().canCompute ? (
        <>
          <ParameterForm measure={measure} />
          {running ? <Running since={running.since} /> : <RunButton />}
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

export function Running({ since }: { since: number }) {
  const { t } = useTranslation();
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  return (
    <div className="running" role="status" data-testid="running">
      <i className="progress" />
      {t("measure.running", { seconds: Math.max(0, Math.round((now - since) / 1000)) })}
    </div>
  );
}
