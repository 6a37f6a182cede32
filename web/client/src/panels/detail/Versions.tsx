/** The versions of a model: when each was imported, and what differs between two, listed and coloured on the map. */
import { Select } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import type { Change, SourceInfo, VersionInfo } from "../../api/types";
import { formatAmount, formatDate } from "../../i18n/format";
import { inLanguage } from "../../i18n/bilingual";
import { flyToPlace } from "../../map/flight";
import { select } from "../../state/selection";
import { source } from "../../state/source";
import { useStore } from "../../state/store";
import { compareVersions, endComparison, lookOf, ordered, sourceOfModel } from "../../state/versions";
import { className } from "./parts";

const LISTED = 60;
const COUNTED = ["added", "removed", "moved", "reshaped", "changed", "renamed_id"] as const;

export function Versions({ model }: { model: string }) {
  const [found, setFound] = useState<{ info: SourceInfo; versions: VersionInfo[] } | null>(null);
  useEffect(() => {
    let isStill = true;
    void versionsOf(model).then((answer) => isStill && setFound(answer));
    return () => {
      isStill = false;
    };
  }, [model]);
  return found && <List key={found.info.name} name={found.info.name} versions={found.versions} />;
}

async function versionsOf(model: string): Promise<{ info: SourceInfo; versions: VersionInfo[] } | null> {
  const info = sourceOfModel(await source().sources().catch(() => []), model);
  return info && { info, versions: await source().versions(info.name).catch(() => []) };
}

function List({ name, versions }: { name: string; versions: VersionInfo[] }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const comparison = useStore((state) => state.comparison);
  const numbers = versions.map((version) => version.number);
  const [from, setFrom] = useState(numbers[numbers.length - 2] ?? 0);
  const [to, setTo] = useState(numbers[numbers.length - 1] ?? 0);
  const [isReading, setReading] = useState(false);
  const isShown = comparison?.difference.source === name;
  const options = versions.map((one) => ({ value: one.number, label: `${one.number} · ${formatDate(one.at, language)}` }));
  const compare = async (): Promise<void> => {
    setReading(true);
    await compareVersions(name, from, to);
    setReading(false);
  };
  return (
    <details className="versions" open={isShown || undefined} data-testid="versions">
      <summary>
        {t("versions.title")}
        <span className="count">{versions.length}</span>
      </summary>
      {versions.length < 2 ? (
        <p className="dim">{t("versions.one", { at: formatDate(versions[0]?.at ?? "", language) })}</p>
      ) : (
        <>
          <div className="versions-pair">
            <Select size="small" suffixIcon={null} value={from} options={options} onChange={setFrom} aria-label={t("versions.from")} data-testid="version-from" />
            <span aria-hidden="true">→</span>
            <Select size="small" suffixIcon={null} value={to} options={options} onChange={setTo} aria-label={t("versions.to")} data-testid="version-to" />
          </div>
          <div className="actions">
            <button className="action" onClick={() => void compare()} disabled={isReading || from === to} data-testid="compare">
              {isReading ? t("versions.reading") : t("versions.compare")}
            </button>
            {isShown && (
              <button className="action" onClick={endComparison} data-testid="compare-end">
                {t("versions.end")}
              </button>
            )}
          </div>
          {isShown && <Changes />}
        </>
      )}
    </details>
  );
}

function Changes() {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const difference = useStore((state) => state.comparison?.difference);
  if (!difference) return null;
  const counted = COUNTED.filter((kind) => difference.summary[kind] > 0);
  const listed = ordered(difference.changes);
  return (
    <div aria-live="polite">
      {difference.placement.map((shift) => (
        <p key={shift.model_id} className="dim">
          {t("versions.shift", { metres: formatAmount(shift.distance_m, language), degrees: formatAmount(shift.rotation_deg, language) })}
        </p>
      ))}
      <p className="versions-counts" data-testid="version-counts">
        {counted.map((kind) => (
          <span key={kind}>
            <Mark look={lookOf([kind]) ?? "same"} /> {t(`versions.kinds.${kind}`)} <b className="num">{difference.summary[kind]}</b>
          </span>
        ))}
        <span className="dim">
          {t("versions.unchanged")} <span className="num">{difference.summary.unchanged}</span>
        </span>
      </p>
      <ul className="versions-list" data-testid="version-changes">
        {listed.slice(0, LISTED).map((change) => (
          <li key={`${change.what}/${change.model_or_layer}/${change.id}`}>
            <Row change={change} />
          </li>
        ))}
      </ul>
      {listed.length > LISTED && <p className="dim">{t("versions.more", { count: listed.length - LISTED })}</p>}
    </div>
  );
}

function Row({ change }: { change: Change }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const isGone = change.kinds.includes("removed");
  const open = (): void => {
    if (change.what === "element" && !isGone) select({ type: "element", id: change.id, class: change.ifc_class ?? "", name: change.name, building: null, model: change.model_or_layer, detail: null });
    if (change.lonlat_h) flyToPlace(change.lonlat_h, 9);
  };
  const said = [...change.kinds.map((kind) => t(`versions.kinds.${kind}`)), ...(change.distance_m ? [`${formatAmount(change.distance_m, language)} m`] : []), ...Object.keys(change.fields).slice(0, 3)];
  return (
    <button onClick={open} disabled={!change.lonlat_h} data-id={change.id}>
      <Mark look={lookOf(change.kinds) ?? "same"} />
      <span>
        <span>{inLanguage(change.name, language) || change.id}</span>
        <span className="dim">
          {change.ifc_class ? className(change.ifc_class) : t(`versions.what.${change.what}`)} · {said.join(" · ")}
        </span>
      </span>
    </button>
  );
}

/** A colour never stands alone: each has its own sign. */
function Mark({ look }: { look: "added" | "removed" | "changed" | "same" }) {
  return (
    <i className={`change is-${look}`} aria-hidden="true">
      {{ added: "+", removed: "−", changed: "≠", same: "=" }[look]}
    </i>
  );
}
