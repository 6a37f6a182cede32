/** The parts every detail is made of: head, facts, actions, properties. */
import { Input } from "antd";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";

import { word } from "../../i18n";
import { formatAmount, unitOfName } from "../../i18n/format";
import { select } from "../../state/selection";
import { type Language, useStore } from "../../state/store";
import { Icon, type IconName } from "../icons";

export function Head({ kind, title, mark }: { kind: string; title: string; mark?: ReactNode }) {
  const { t } = useTranslation();
  return (
    <header className="detail-head">
      {mark}
      <div>
        <p className="dim">{kind}</p>
        <h2 data-testid="detail-title">{title}</h2>
      </div>
      <button className="icon-button" onClick={() => select(null)} aria-label={t("detail.close")} title={t("detail.close")} data-testid="detail-close">
        <Icon name="close" />
      </button>
    </header>
  );
}

export type Fact = [name: string, value: ReactNode];

/** Facts that are known; the others are left out. */
export function Facts({ facts }: { facts: Fact[] }) {
  const known = facts.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return (
    <dl className="facts">
      {known.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Action(props: { icon: IconName; label: string; onClick: () => void; testId?: string; isPrimary?: boolean }) {
  return (
    <button className={`action ${props.isPrimary ? "is-primary" : ""}`} onClick={props.onClick} data-testid={props.testId}>
      <Icon name={props.icon} />
      {props.label}
    </button>
  );
}

/** An id that can be selected and copied whole. */
export function Identity({ label, id, testId }: { label: string; id: string; testId?: string }) {
  const { t } = useTranslation();
  const [isCopied, setCopied] = useState(false);
  const copy = (): void => {
    void navigator.clipboard?.writeText(id).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    });
  };
  return (
    <div className="identity">
      <span className="dim">{label}</span>
      <code data-testid={testId}>{id}</code>
      <button className="icon-button is-small" onClick={copy} aria-label={isCopied ? t("detail.copied") : t("detail.copy")} title={isCopied ? t("detail.copied") : t("detail.copy")}>
        <Icon name={isCopied ? "check" : "copy"} size={14} />
      </button>
    </div>
  );
}

export type PropertySets = [name: string, values: [string, unknown][]][];

/** Sets of properties, each foldable, all filtered by one field. */
export function Properties({ sets }: { sets: PropertySets }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const [filter, setFilter] = useState("");
  const wanted = filter.trim().toLowerCase();
  const total = sets.reduce((sum, [, values]) => sum + values.length, 0);
  if (total === 0) return null;
  const shown = filterSets(sets, wanted);
  return (
    <section className="properties">
      <h3>{t("detail.properties")}</h3>
      {total > 8 && (
        <Input value={filter} onChange={(event) => setFilter(event.target.value)} allowClear size="small" placeholder={t("detail.searchProperties")} aria-label={t("detail.searchProperties")} />
      )}
      {shown.length === 0 && <p className="dim">{t("detail.noMatch")}</p>}
      {shown.map(([name, values], index) => (
        <details key={`${name}/${wanted !== ""}`} open={wanted !== "" || index < 2 || total <= 14}>
          <summary>
            {name}
            <span className="count">{values.length}</span>
          </summary>
          <dl className="facts is-dense">
            {values.map(([key, value]) => (
              <div key={key}>
                <dt>{word(`attribute.${key}`, key)}</dt>
                <dd>{showValue(key, value, language, [t("detail.no"), t("detail.yes")])}</dd>
              </div>
            ))}
          </dl>
        </details>
      ))}
    </section>
  );
}

/** The sets that hold the text in a name or a value; a set whose own name holds it stays whole. */
export function filterSets(sets: PropertySets, wanted: string): PropertySets {
  if (!wanted) return sets.filter(([, values]) => values.length > 0);
  return sets
    .map(([name, values]): PropertySets[number] => [
      name,
      name.toLowerCase().includes(wanted) ? values : values.filter(([key, value]) => `${key} ${word(`attribute.${key}`, "")} ${String(value)}`.toLowerCase().includes(wanted)),
    ])
    .filter(([, values]) => values.length > 0);
}

export function showValue(key: string, value: unknown, language: Language, booleans: [string, string]): string {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return booleans[value ? 1 : 0];
  if (typeof value === "number") return `${formatAmount(value, language)} ${unitOfName(key)}`.trim();
  if (Array.isArray(value)) return value.map((one) => showValue(key, one, language, booleans)).join(language === "zh" ? "、" : ", ");
  if (typeof value === "object") return JSON.stringify(value);
  const text = String(value);
  if (key === "usage") return word(`usage.${text}`, text);
  if (key === "status") return word(`deviceStatus.${text}`, text);
  return text;
}

/** An IFC class by its common name with the class behind it. */
export function className(ifc: string): string {
  const known = word(`ifcClass.${ifc}`, "");
  return known ? `${known} · ${ifc}` : ifc;
}
