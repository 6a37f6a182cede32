/** What the colours of a measure's samples mean, with the threshold marked on the ramp. */
import { useTranslation } from "react-i18next";

import { formatAmount, formatNumber, unitName } from "../i18n/format";
import { rampRange } from "../layers/samples";
import { palette, viridis } from "../map/palette";
import { type State, set, useStore } from "../state/store";
import { Segments } from "./Segments";

export function Legend() {
  const { t } = useTranslation();
  const state = useStore();
  const { answer, isGapsShown, isSamplesShown, sampleMode, language } = state;
  if (!answer) return null;
  const { samples, result } = answer;
  return (
    <section className="group">
      <h2>{t("layers.coverage")}</h2>
      <ul>
        <Toggle label={t("answer.showGaps")} color={css(palette(state.theme).gapLine)} count={result.gaps.length} isShown={isGapsShown} field="isGapsShown" />
        {samples && <Toggle label={t("answer.showSamples")} color={css(palette(state.theme).covered)} count={samples.lon.length} isShown={isSamplesShown} field="isSamplesShown" />}
      </ul>
      {samples && isSamplesShown && (
        <div className="legend">
          <Segments
            label={t("answer.samples")}
            className="is-small"
            value={sampleMode}
            options={[
              { value: "state", label: t("answer.covered") },
              { value: "value", label: unitName(samples.unit) || t("scorecard.value") },
            ]}
            onChange={(next) => set({ sampleMode: next })}
          />
          {sampleMode === "state" ? <States state={state} /> : <Ramp samples={samples} language={language} />}
        </div>
      )}
    </section>
  );
}

function Toggle(props: { label: string; color: string; count: number; isShown: boolean; field: "isGapsShown" | "isSamplesShown" }) {
  const language = useStore((state) => state.language);
  return (
    <li>
      <button className="layer-line" role="switch" aria-checked={props.isShown} onClick={() => set({ [props.field]: !props.isShown })}>
        <i className="swatch" style={{ background: props.color }} />
        <span className="layer-name">{props.label}</span>
        <span className="count">{formatNumber(props.count, language)}</span>
      </button>
    </li>
  );
}

function States({ state }: { state: State }) {
  const { t } = useTranslation();
  const colors = palette(state.theme);
  const entries: [string, readonly number[]][] = [
    [t("answer.covered"), colors.covered],
    [t("answer.uncovered"), colors.uncovered],
    [t("answer.undecided"), colors.undecided],
  ];
  return (
    <div className="states">
      {entries.map(([label, color]) => (
        <span key={label}>
          <i className="swatch" style={{ background: css(color) }} />
          {label}
        </span>
      ))}
    </div>
  );
}

function Ramp({ samples, language }: { samples: NonNullable<NonNullable<State["answer"]>["samples"]>; language: State["language"] }) {
  const [low, high] = rampRange(samples);
  const stops = Array.from({ length: 9 }, (_, i) => `rgb(${viridis(i / 8).join()}) ${(i / 8) * 100}%`);
  const { threshold } = samples;
  const at = threshold === null ? null : ((threshold - low) / (high - low || 1)) * 100;
  return (
    <div className="ramp">
      <div className="ramp-bar" style={{ background: `linear-gradient(90deg, ${stops.join()})` }}>
        {at !== null && at >= 0 && at <= 100 && <i style={{ left: `${at}%` }} />}
      </div>
      <div className="ramp-ends">
        <span>{formatAmount(low, language)}</span>
        {at !== null && at > 12 && at < 88 && <span style={{ position: "absolute", left: `${at}%`, transform: "translateX(-50%)" }}>{formatAmount(threshold!, language)}</span>}
        <span>
          {formatAmount(high, language)} {unitName(samples.unit)}
        </span>
      </div>
    </div>
  );
}

function css(color: readonly number[]): string {
  return `rgba(${color[0]},${color[1]},${color[2]},${Math.min(1, ((color[3] ?? 255) / 255) * 1.4)})`;
}
