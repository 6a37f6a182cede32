/** How a number came about: its parts, parameters with their provenance, engine and run. Closed until asked for. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Result } from "../api/types";
import { word } from "../i18n";
import { formatAmount, formatNumber, formatQuantity } from "../i18n/format";
import { source } from "../state/source";
import { useStore } from "../state/store";
import { parameterText } from "./parameters";

export function Basis({ result }: { result: Result }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const { surface, inputs } = result;
  const evidence = source().evidence;
  const known = useStore((state) => state.measures).find((one) => one.id === result.measure)?.parameters ?? [];
  const meanings = Object.fromEntries(known.map((one) => [one.name, language === "zh" ? one.meaning_zh : one.meaning_en]));
  const units = Object.fromEntries(known.map((one) => [one.name, one.unit]));
  const facts: [string, ReactNode][] = [
    [t("answer.numerator"), formatQuantity(result.numerator, result.quantity, language)],
    [t("answer.denominator"), formatQuantity(result.denominator, result.quantity, language)],
  ];
  if (surface.samples !== undefined) facts.push([t("answer.samples"), formatNumber(surface.samples, language)]);
  if (surface.step_m) facts.push([t("answer.step"), `${formatAmount(surface.step_m, language)} m`]);
  if (inputs.devices !== undefined) facts.push([t("answer.devices"), formatNumber(inputs.devices, language)]);
  if (typeof inputs.defaulted_share === "number") facts.push([t("answer.defaulted"), `${(inputs.defaulted_share * 100).toFixed(0)} %`]);
  if (typeof inputs.resting_share === "number") facts.push([t("answer.resting"), `${(inputs.resting_share * 100).toFixed(1)} %`]);
  facts.push([t("answer.seconds"), `${formatAmount(result.seconds, language)} s`], [t("answer.engine"), result.engine]);
  return (
    <details className="basis">
      <summary>{t("answer.basis")}</summary>
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        <div>
          <dt>{t("answer.run")}</dt>
          <dd className="is-id">{result.run}</dd>
        </div>
      </dl>
      {evidence && (
        <p>
          <a className="link" href={evidence(result.run)} download data-testid="evidence-link">
            {t("answer.evidence")}
          </a>{" "}
          <span className="dim">{t("answer.evidenceHint")}</span>
        </p>
      )}
      <h4>{t("answer.parameters")}</h4>
      <dl>
        {Object.entries(result.parameters).map(([name, { value, provenance, source }]) => (
          <div key={name} title={source ? `${name} · ${source}` : name}>
            <dt className="is-meaning">{meanings[name] || name}</dt>
            <dd>
              {parameterText(name, value, units[name])} <span className="dim">{word(`answer.provenance.${provenance}`, provenance)}</span>
            </dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
