/** What a measure can be told: the common things at once, the rest behind "more"; each with its unit, default and source. */
import { Input, InputNumber, Select, Switch } from "antd";
import { useId } from "react";
import { useTranslation } from "react-i18next";

import type { Measure, MeasureParameter } from "../api/types";
import { unitName } from "../i18n/format";
import { setParameter } from "../state/measure";
import { set, useStore } from "../state/store";
import { type Choice, inOrder, listChoices, parameterText, surfaceChoices, valueName } from "./parameters";

export function ParameterForm({ measure }: { measure: Measure }) {
  const { t } = useTranslation();
  const given = useStore((state) => state.parameters);
  const { first, more } = inOrder(measure.parameters, given);
  const changed = Object.keys(given).length;
  return (
    <div className="parameters" data-testid="parameters">
      {first.map((parameter) => (
        <Parameter key={parameter.name} parameter={parameter} given={given[parameter.name]} />
      ))}
      {more.length > 0 && (
        <details key={measure.id}>
          <summary data-testid="more-parameters">
            {t("measure.more")}
            <span className="count">{more.length}</span>
          </summary>
          {more.map((parameter) => (
            <Parameter key={parameter.name} parameter={parameter} given={given[parameter.name]} />
          ))}
        </details>
      )}
      {changed > 0 && (
        <p className="parameters-foot">
          <span className="dim">{t("measure.changed", { count: changed })}</span>
          <button className="link" onClick={() => set({ parameters: {} })}>
            {t("measure.reset")}
          </button>
        </p>
      )}
    </div>
  );
}

function Parameter({ parameter, given }: { parameter: MeasureParameter; given: unknown }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const id = useId();
  const meaning = language === "zh" ? parameter.meaning_zh : parameter.meaning_en;
  const usual = parameter.default === null ? t("measure.auto") : parameterText(parameter.name, parameter.default, parameter.unit);
  const isWide = Array.isArray(parameter.default) || parameter.name === "surface";
  return (
    <div className={`parameter ${given === undefined ? "" : "is-given"} ${isWide ? "is-wide" : ""}`} title={[parameter.name, parameter.source].filter(Boolean).join(" · ")}>
      <label htmlFor={id}>{meaning || parameter.name}</label>
      <Field id={id} parameter={parameter} given={given} />
      {given !== undefined && (
        <p className="dim">
          {t("measure.default")} {usual}
        </p>
      )}
    </div>
  );
}

function Field({ id, parameter, given }: { id: string; parameter: MeasureParameter; given: unknown }) {
  const { t } = useTranslation();
  const { name, choices, unit } = parameter;
  const value = given ?? parameter.default;
  const change = (next: unknown): void => setParameter(name, next === null || next === undefined || next === "" || isSame(next, parameter.default) ? undefined : next);
  const common = { id, size: "small" as const, style: { width: "100%" }, "data-testid": `parameter-${name}` };
  if (name === "surface") return <Surface common={common} parameter={parameter} value={value} change={change} />;
  if (choices.length > 0) {
    const options = choices.map((choice) => ({ value: JSON.stringify(choice), label: valueName(name, choice) }));
    const own = value === null || value === undefined ? null : JSON.stringify(value);
    const clear = parameter.default === null ? { allowClear: true, placeholder: t("measure.auto") } : {};
    return <Select {...common} {...clear} value={own} options={options} popupMatchSelectWidth={false} onChange={(next: string | null) => change(next ? JSON.parse(next) : null)} />;
  }
  if (typeof parameter.default === "boolean") return <Switch id={id} checked={Boolean(value)} onChange={change} size="small" data-testid={`parameter-${name}`} />;
  if (Array.isArray(parameter.default)) {
    const list = Array.isArray(value) ? value.map(String) : [];
    return <Select {...common} mode="tags" value={list} options={listChoices(parameter)} tokenSeparators={[","]} maxTagCount={4} placeholder={t("measure.auto")} onChange={(next: string[]) => change(numbersAs(parameter.default, next))} />;
  }
  if (isNumber(parameter)) {
    return <InputNumber {...common} value={value as number | null} placeholder={t("measure.auto")} onChange={change} suffix={unitName(unit === "share" ? "" : unit)} controls={false} />;
  }
  const text = value === null || value === undefined ? "" : String(value);
  return <Input {...common} value={text} placeholder={t("measure.auto")} onChange={(event) => change(event.target.value)} />;
}

type Common = { id: string; size: "small"; style: object; "data-testid": string };

/** What a measure is asked of, by the names there are and what one looks at. */
function Surface({ common, parameter, value, change }: { common: Common; parameter: MeasureParameter; value: unknown; change: (next: unknown) => void }) {
  const { t } = useTranslation();
  const { surfaces, layers, language, storeys, storeyId, selection } = useStore();
  const storey = storeys.find((one) => one.id === storeyId);
  const space = selection?.type === "space" ? storeys.flatMap((one) => one.spaces).find((one) => one.id === selection.id) : undefined;
  const here: { storey: Choice | null; space: Choice | null } = {
    storey: storey ? { value: `storey:${storey.id}`, label: storey.name } : null,
    space: space ? { value: `space:${space.id}`, label: space.long_name || space.name } : null,
  };
  const groups = surfaceChoices(surfaces, layers, here, language);
  const isKnown = groups.some((group) => group.options.some((option) => option.value === value));
  const own = typeof value === "string" && !isKnown ? [{ label: t("measure.default"), options: [{ value, label: valueName("surface", value) }] }] : [];
  return (
    <Select
      {...common}
      value={(value as string | null) ?? null}
      options={[...own, ...groups]}
      showSearch={{ optionFilterProp: "label" }}
      allowClear={parameter.default === null}
      placeholder={t("measure.auto")}
      onChange={(next: string | undefined) => change(next ?? null)}
    />
  );
}

function isNumber({ default: usual, unit }: MeasureParameter): boolean {
  return typeof usual === "number" || (usual === null && unit !== "" && !/text|name|id/.test(unit));
}

/** A list as its default has it: numbers where it holds numbers. */
function numbersAs(usual: unknown, next: string[]): unknown[] {
  const isNumbers = Array.isArray(usual) && usual.length > 0 && usual.every((one) => typeof one === "number");
  return isNumbers ? next.map(Number).filter(Number.isFinite) : next;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
