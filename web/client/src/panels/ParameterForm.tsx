/** What a measure can be told; each value with its default, unit, meaning and source. */
import { Input, InputNumber, Select, Switch } from "antd";
import { useId } from "react";
import { useTranslation } from "react-i18next";

import type { Measure, MeasureParameter } from "../api/types";
import { unitName } from "../i18n/format";
import { setParameter } from "../state/measure";
import { set, useStore } from "../state/store";
import { showParameter } from "./Basis";

export function ParameterForm({ measure }: { measure: Measure }) {
  const { t } = useTranslation();
  const given = useStore((state) => state.parameters);
  const changed = Object.keys(given).length;
  return (
    <details className="parameters" open={changed > 0}>
      <summary>
        {t("measure.parameters")}
        <span className="dim">{changed ? t("measure.changed", { count: changed }) : t("measure.defaults")}</span>
      </summary>
      {measure.parameters.map((parameter) => (
        <Parameter key={parameter.name} parameter={parameter} given={given[parameter.name]} />
      ))}
      {changed > 0 && (
        <button className="link" onClick={() => set({ parameters: {} })}>
          {t("measure.reset")}
        </button>
      )}
    </details>
  );
}

function Parameter({ parameter, given }: { parameter: MeasureParameter; given: unknown }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const id = useId();
  const meaning = language === "zh" ? parameter.meaning_zh : parameter.meaning_en;
  return (
    <div className={`parameter ${given === undefined ? "" : "is-given"}`}>
      <label htmlFor={id}>
        {meaning || parameter.name}
        <code>{parameter.name}</code>
      </label>
      <Field id={id} parameter={parameter} given={given} />
      <p className="dim">
        {t("measure.default")} {parameter.default === null ? t("measure.auto") : showParameter(parameter.default)}
        {parameter.source && ` · ${parameter.source}`}
      </p>
    </div>
  );
}

function Field({ id, parameter, given }: { id: string; parameter: MeasureParameter; given: unknown }) {
  const { t } = useTranslation();
  const { name, choices, unit } = parameter;
  const value = given ?? parameter.default;
  const change = (next: unknown): void => setParameter(name, next === null || next === "" || next === parameter.default ? undefined : next);
  if (choices.length > 0) {
    const options = choices.map((choice) => ({ value: JSON.stringify(choice), label: choice === null ? t("measure.auto") : String(choice) }));
    return <Select id={id} value={JSON.stringify(value)} options={options} onChange={(next: string) => change(JSON.parse(next))} size="small" style={{ width: "100%" }} />;
  }
  if (typeof parameter.default === "boolean") return <Switch id={id} checked={Boolean(value)} onChange={change} size="small" />;
  if (typeof parameter.default === "number" || (parameter.default === null && unit && unit !== "1" && !/text|name|id/.test(unit))) {
    return (
      <InputNumber
        id={id}
        value={value as number | null}
        placeholder={t("measure.auto")}
        onChange={change}
        suffix={unitName(unit)}
        size="small"
        style={{ width: "100%" }}
        data-testid={`parameter-${name}`}
      />
    );
  }
  const text = Array.isArray(value) ? value.join(",") : value === null || value === undefined ? "" : String(value);
  return <Input id={id} value={text} placeholder={t("measure.auto")} onChange={(event) => change(event.target.value)} size="small" suffix={unitName(unit)} />;
}
