/** Trying a change to a device: its controls, and what the change would give. */
import { Button, Input, InputNumber, Slider } from "antd";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";

import type { Device } from "../api/types";
import { word } from "../i18n";
import { deviceName } from "../state/names";
import { type Trial, useStore } from "../state/store";
import { endTrial, keepTrial, tryPose, undoTrial } from "../state/trial";
import { type Pose, moved, poseOf } from "../whatif/pose";
import { Icon, type IconName } from "./icons";
import { DeviceGlyph } from "./LayerTree";
import { TrialAnswer } from "./TrialAnswer";

const STEP_M = 0.5;
const LONG_STEP_M = 5; // with Shift

export function TrialPanel() {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const theme = useStore((state) => state.theme);
  const trial = useStore((state) => state.trial);
  const device = useStore((state) => state.devices.find((one) => one.id === trial?.deviceId));
  useUndoKey();
  if (!trial || !device) return null;
  return (
    <article className="trial" aria-label={t("trial.title")} data-testid="trial">
      <header className="detail-head">
        <DeviceGlyph kind={device.kind} theme={theme} />
        <div>
          <p className="dim">{t("trial.title")}</p>
          <h2>{deviceName(device, language)}</h2>
        </div>
        <button className="icon-button" onClick={endTrial} aria-label={t("trial.end")} title={t("trial.end")} data-testid="trial-end">
          <Icon name="close" />
        </button>
      </header>
      <TrialAnswer trial={trial} />
      <Controls device={device} pose={trial.poses[device.id] ?? poseOf(device)} />
      <Actions trial={trial} />
    </article>
  );
}

/** Ctrl+Z undoes, anywhere but in a field that has its own undoing. */
function useUndoKey(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent | globalThis.KeyboardEvent): void => {
      const isField = event.target instanceof HTMLElement && /^(INPUT|TEXTAREA)$/.test(event.target.tagName);
      if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || isField) return;
      event.preventDefault();
      undoTrial();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}

function Controls({ device, pose }: { device: Device; pose: Pose }) {
  const { t } = useTranslation();
  const turn = (part: Partial<Pose>, gesture: string): void => tryPose(device, part, gesture);
  return (
    <section className="trial-controls">
      {pose.azimuth_deg !== null && (
        <Angle label={t("trial.azimuth")} value={pose.azimuth_deg} from={0} to={359} testId="azimuth" onChange={(value) => turn({ azimuth_deg: value }, "azimuth")} />
      )}
      {pose.tilt_deg !== null && <Angle label={t("trial.tilt")} value={pose.tilt_deg} from={-10} to={90} testId="tilt" onChange={(value) => turn({ tilt_deg: value }, "tilt")} />}
      {pose.hfov_deg !== null && <Angle label={t("trial.zoom")} value={pose.hfov_deg} from={3} to={120} testId="hfov" onChange={(value) => turn({ hfov_deg: value }, "hfov")} />}
      {pose.height_m !== null && (
        <Angle label={t("trial.height")} value={pose.height_m} from={0} to={Math.max(15, pose.height_m)} step={0.1} unit="m" testId="height" onChange={(value) => turn({ height_m: value }, "height")} />
      )}
      <Mover device={device} pose={pose} />
    </section>
  );
}

function Angle(props: { label: string; value: number; from: number; to: number; step?: number; unit?: string; testId: string; onChange: (value: number) => void }) {
  const { label, value, from, to, step = 1, unit = "°", testId, onChange } = props;
  const id = useId();
  return (
    <div className="angle" data-testid={`trial-${testId}`}>
      <label htmlFor={id}>{label}</label>
      <Slider value={value} min={Math.min(from, value)} max={Math.max(to, value)} step={step} onChange={onChange} tooltip={{ open: false }} ariaLabelForHandle={label} />
      <InputNumber id={id} value={value} min={from} max={Math.max(to, value)} step={step} onChange={(next) => next !== null && onChange(next)} suffix={unit} size="small" controls={false} />
    </div>
  );
}

const WAYS: { icon: IconName; key: string; east: number; north: number; name: string; turn: number }[] = [
  { icon: "up", key: "ArrowUp", east: 0, north: 1, name: "north", turn: 0 },
  { icon: "left", key: "ArrowLeft", east: -1, north: 0, name: "west", turn: 0 },
  { icon: "right", key: "ArrowRight", east: 1, north: 0, name: "east", turn: 0 },
  { icon: "down", key: "ArrowDown", east: 0, north: -1, name: "south", turn: 0 },
];

/** Moves by its four buttons, and by the arrow keys where it has the focus. */
function Mover({ device, pose }: { device: Device; pose: Pose }) {
  const { t } = useTranslation();
  const go = (way: (typeof WAYS)[number], isLong: boolean): void => {
    const step = isLong ? LONG_STEP_M : STEP_M;
    const { lon, lat } = moved(pose, way.east * step, way.north * step);
    tryPose(device, { lon, lat }, "move");
  };
  const onKey = (event: KeyboardEvent): void => {
    const way = WAYS.find((one) => one.key === event.key);
    if (!way) return;
    event.preventDefault();
    go(way, event.shiftKey);
  };
  return (
    <div className="angle is-move">
      <span>{t("trial.move")}</span>
      <div className="mover" role="group" aria-label={t("trial.moveHelp")} onKeyDown={onKey} data-testid="trial-move">
        {WAYS.map((way) => (
          <button key={way.name} className={`icon-button is-${way.name}`} aria-label={t(`trial.${way.name}`)} title={t(`trial.${way.name}`)} onClick={(event) => go(way, event.shiftKey)}>
            <Icon name={way.icon} size={18} />
          </button>
        ))}
      </div>
      <span className="dim">{t("trial.moveHint")}</span>
    </div>
  );
}

function Actions({ trial }: { trial: Trial }) {
  const { t } = useTranslation();
  const [name, setName] = useState<string | null>(null);
  const changed = Object.keys(trial.poses);
  const keep = async (): Promise<void> => {
    if (name?.trim() && (await keepTrial(name.trim()))) setName(null);
  };
  return (
    <footer className="trial-foot">
      {changed.length > 1 && <Changed ids={changed} />}
      {trial.keptAs !== null && (
        <p className="kept" role="status" data-testid="trial-kept">
          <Icon name="check" size={14} /> {t("trial.kept", { name: trial.keptAs })}
        </p>
      )}
      {name === null ? (
        <div className="trial-actions">
          <Button type="primary" disabled={!changed.length || trial.keptAs !== null} onClick={() => setName(t("trial.nameFor", { day: new Date().toISOString().slice(0, 10) }))} data-testid="trial-keep">
            {t("trial.keep")}
          </Button>
          <Button disabled={!trial.past.length} onClick={undoTrial} data-testid="trial-undo" icon={<Icon name="undo" />} aria-label={t("trial.undo")} title={t("trial.undo")} />
          <Button onClick={endTrial} data-testid="trial-discard">
            {changed.length ? t("trial.discard") : t("trial.end")}
          </Button>
        </div>
      ) : (
        <form
          className="trial-name"
          onSubmit={(event) => {
            event.preventDefault();
            void keep();
          }}
        >
          <Input autoFocus value={name} onChange={(event) => setName(event.target.value)} aria-label={t("trial.name")} placeholder={t("trial.name")} data-testid="trial-name" />
          <Button type="primary" htmlType="submit" disabled={!name.trim()} data-testid="trial-name-keep">
            {t("trial.keepShort")}
          </Button>
          <Button onClick={() => setName(null)}>{t("measure.cancel")}</Button>
        </form>
      )}
    </footer>
  );
}

/** All devices that are tried otherwise. */
function Changed({ ids }: { ids: string[] }): ReactNode {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const devices = useStore((state) => state.devices);
  const names = ids.map((id) => devices.find((one) => one.id === id)).filter((one): one is Device => one !== undefined);
  return (
    <p className="dim">
      {t("trial.changed", { count: ids.length })}
      {language === "zh" ? "：" : ": "}
      {names.map((one) => deviceName(one, language) || word(`deviceKind.${one.kind}`, one.kind)).join(language === "zh" ? "、" : ", ")}
    </p>
  );
}
