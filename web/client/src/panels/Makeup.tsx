/** What an answer hangs on: the devices that nothing else stands in for, and what opens its bounds. */
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Result } from "../api/types";
import { word } from "../i18n";
import { inLanguage } from "../i18n/bilingual";
import { formatQuantity, formatValue } from "../i18n/format";
import { select } from "../state/selection";
import { useStore } from "../state/store";

const ROWS_AT_FIRST = 5;
const LEAST_WIDTH = 5e-5; // of a share: what no display shows

export function Makeup({ result }: { result: Result }) {
  return (
    <>
      <Sensitivity result={result} />
      <CriticalDevices result={result} />
    </>
  );
}

/** What is not known, and by how much each opens the bounds: which measurement would narrow them most. */
function Sensitivity({ result }: { result: Result }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const rows = (result.sensitivity ?? []).filter((row) => row.width > (result.unit === "1" ? LEAST_WIDTH : 0));
  if (!rows.length) return null;
  const widest = rows[0]?.width ?? 1;
  return (
    <section className="card-section" data-testid="sensitivity">
      <h3>
        {t("answer.sensitivity")}
        <span className="dim">{t("answer.sensitivityHint")}</span>
      </h3>
      <ul className="zones is-sensitivity">
        {rows.slice(0, ROWS_AT_FIRST).map((row) => (
          <li key={row.what}>
            <span className="zone-name">{openerName(row.what)}</span>
            <span className="zone-bar" aria-hidden="true">
              <b style={{ width: `${(row.width / widest) * 100}%` }} />
            </span>
            <span className="num">
              {formatValue(row.lower, result.unit, language).number} – {formatValue(row.upper, result.unit, language).number}
              {result.unit === "1" ? " %" : ""}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What opens an interval, by a word of its own or as the attribute it is. */
export function openerName(what: string): string {
  return word(`opens.${what}`, "") || word(`attribute.${what}`, what.replaceAll("_", " "));
}

/** The devices whose loss would cost most. */
function CriticalDevices({ result }: { result: Result }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const devices = useStore((state) => state.devices);
  const [isAll, setAll] = useState(false);
  const rows = [...(result.devices ?? [])].filter((row) => row.lost > 0).sort((a, b) => b.lost - a.lost);
  if (!rows.length) return null;
  const listed = isAll ? rows : rows.slice(0, ROWS_AT_FIRST);
  return (
    <section className="card-section" data-testid="critical-devices">
      <h3>
        {t("answer.critical")}
        <span className="dim">{t("answer.criticalHint")}</span>
      </h3>
      <ul className="zones">
        {listed.map((row) => (
          <li key={row.id}>
            <button className="link zone-name" onClick={() => select({ type: "device", id: row.id, detail: null })}>
              {inLanguage(devices.find((one) => one.id === row.id)?.name || row.id, language)}
            </button>
            <span className="num">−{formatQuantity(row.lost, result.quantity, language)}</span>
          </li>
        ))}
      </ul>
      {listed.length < rows.length && (
        <button className="link" onClick={() => setAll(true)}>
          {t("answer.moreGaps", { count: rows.length - listed.length })}
        </button>
      )}
    </section>
  );
}
