/** What is drawn: buildings and models, flat layers, devices by kind; each line is its own switch and legend. */
import type { CSSProperties, ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { LayerInfo } from "../api/types";
import { formatNumber } from "../i18n/format";
import { flatColors } from "../layers/flat-colors";
import { GLYPHS } from "../layers/icons";
import { buildingName } from "../state/names";
import { deviceColor, palette } from "../map/palette";
import { chooseProfile, isLight } from "../state/profile";
import { toggleLayer } from "../state/selection";
import { type State, type Theme, get, set, useStore } from "../state/store";
import { registeredFeature } from "../tiles/registered-tileset";
import { Legend } from "./Legend";

interface Line {
  id: string;
  name: string;
  count: number | null;
  swatch: ReactNode;
}

export function LayerTree() {
  const { t } = useTranslation();
  const state = useStore();
  if (!state.park) return null;
  const groups: [string, string, Line[]][] = [
    ["buildings", t("layers.buildings"), buildingLines(state, t("layers.allBuildings"), t("layers.cityModel"))],
    ["devices", t("layers.devices"), deviceLines(state, (kind) => t(`deviceKind.${kind}`, { defaultValue: kind }))],
    ["gis", t("layers.gis"), [...flatLines(state), ...groundLines(state, t("layers.terrain"))]],
  ];
  const isEmpty = groups.every(([, , lines]) => lines.length === 0);
  if (isEmpty) return <p className="dim empty-note">{t("layers.empty")}</p>;
  return (
    <>
      {state.answer && <Legend />}
      {groups.map(([id, title, lines]) => lines.length > 0 && <Group key={id} id={id} title={title} lines={lines} hidden={state.hidden} />)}
      <Drawing />
    </>
  );
}

/** How much the drawing asks of the machine. */
function Drawing() {
  const { t } = useTranslation();
  const isPlain = useStore(isLight);
  return (
    <section className="group">
      <h2>{t("profile.group")}</h2>
      <button
        className="layer-line"
        role="switch"
        aria-checked={isPlain}
        title={t("profile.hint")}
        onClick={() => chooseProfile(isPlain ? "full" : "light")}
        data-testid="profile-light"
      >
        <i className="swatch is-box" aria-hidden="true" />
        <span className="layer-name">{t("profile.light")}</span>
      </button>
    </section>
  );
}

function Group({ id, title, lines, hidden }: { id: string; title: string; lines: Line[]; hidden: ReadonlySet<string> }) {
  const { t } = useTranslation();
  const isAnyShown = lines.some((line) => !hidden.has(line.id));
  const toggleAll = (): void => {
    const next = new Set(get().hidden);
    for (const line of lines) isAnyShown ? next.add(line.id) : next.delete(line.id);
    set({ hidden: next });
  };
  return (
    <section className="group">
      <h2>
        {title}
        <button className="link" onClick={toggleAll}>
          {isAnyShown ? t("layers.none") : t("layers.all")}
        </button>
      </h2>
      <ul>
        {lines.map((line) => (
          <LayerLine key={line.id} line={line} isShown={!hidden.has(line.id)} />
        ))}
        {id === "devices" && lines.some((line) => line.id === "devices/camera") && <FieldsOfView />}
        {id === "gis" && <CloudColors />}
      </ul>
    </section>
  );
}

function LayerLine({ line, isShown }: { line: Line; isShown: boolean }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  return (
    <li>
      <button
        className="layer-line"
        role="switch"
        aria-checked={isShown}
        aria-label={t("layers.toggle", { name: line.name })}
        onClick={() => toggleLayer(line.id)}
        data-testid={`layer-${line.id}`}
      >
        {line.swatch}
        <span className="layer-name">{line.name}</span>
        {line.count !== null && <span className="count">{formatNumber(line.count, language)}</span>}
      </button>
    </li>
  );
}

function FieldsOfView() {
  const { t } = useTranslation();
  const isShown = useStore((state) => state.fieldsOfView);
  const theme = useStore((state) => state.theme);
  const style: CSSProperties = { color: deviceColor("camera", theme) };
  return (
    <li>
      <button className="layer-line is-sub" role="switch" aria-checked={isShown} onClick={() => set({ fieldsOfView: !isShown })} data-testid="fields-of-view">
        <svg className="swatch-glyph" viewBox="0 0 24 24" style={style} aria-hidden="true">
          <path d="M4 12L20 5v14z" />
        </svg>
        <span className="layer-name">{t("layers.fieldsOfView")}</span>
      </button>
    </li>
  );
}

const CLOUD_COLORS = ["own", "class", "height"] as const;

/** What the colours of point clouds say, where the park has any. */
function CloudColors() {
  const { t } = useTranslation();
  const chosen = useStore((state) => state.cloudColor);
  const hasClouds = useStore((state) => state.scene?.layers.some((layer) => layer.id.startsWith("points/")) ?? false);
  if (!hasClouds) return null;
  return (
    <li className="layer-choice" role="radiogroup" aria-label={t("layers.cloudColors")}>
      {CLOUD_COLORS.map((color) => (
        <button key={color} className="layer-line is-sub" role="radio" aria-checked={chosen === color} onClick={() => set({ cloudColor: color })} data-testid={`cloud-${color}`}>
          <i className="swatch is-point" aria-hidden="true" />
          <span className="layer-name">{t(`layers.cloud_${color}`)}</span>
        </button>
      ))}
    </li>
  );
}

function groundLines(state: State, name: string): Line[] {
  const isTiled = state.scene?.layers.some((layer) => layer.id === "terrain");
  const { ground, edge } = palette(state.theme);
  return isTiled ? [{ id: "terrain", name, count: null, swatch: <i className="swatch" style={{ background: `rgb(${ground.slice(0, 3).join()})`, borderColor: `rgb(${edge.slice(0, 3).join()})` }} /> }] : [];
}

function buildingLines(state: State, all: string, city: string): Line[] {
  const colors = palette(state.theme);
  const swatch = (roof: readonly number[], wall: readonly number[]): ReactNode => (
    <i className="swatch" style={{ background: `linear-gradient(135deg, rgb(${roof.join()}) 50%, rgb(${wall.join()}) 50%)` }} />
  );
  const lines: Line[] = [];
  for (const layer of state.scene?.layers ?? []) {
    if (layer.id === "buildings") {
      const count = state.buildings.filter((building) => building.models.length === 0 && !building.city_models?.length).length;
      lines.push({ id: layer.id, name: all, count, swatch: swatch(colors.roof, colors.wall) });
    } else if (layer.id.startsWith("model/")) {
      const model = layer.id.slice("model/".length);
      const building = state.buildings.find((one) => one.models.includes(model));
      lines.push({ id: layer.id, name: building ? buildingName(building, state.language) : model, count: null, swatch: swatch(colors.roof, colors.brand) });
    } else if (layer.id.startsWith("city/")) {
      const model = layer.id.slice("city/".length);
      const count = state.buildings.filter((one) => one.city_models?.includes(model)).length;
      lines.push({ id: layer.id, name: `${city} ${model.replace(/^city-/, "")}`, count, swatch: swatch(colors.roof, colors.wall) });
    } else {
      const mesh = registeredFeature(layer.id);
      if (mesh) lines.push({ id: layer.id, name: mesh.feature, count: null, swatch: swatch(colors.wall, colors.shadow) });
    }
  }
  return lines;
}

function deviceLines(state: State, name: (kind: string) => string): Line[] {
  const counts = new Map<string, number>();
  for (const device of state.devices) counts.set(device.kind, (counts.get(device.kind) ?? 0) + 1);
  return [...counts].sort().map(([kind, count]) => ({ id: `devices/${kind}`, name: name(kind), count, swatch: <DeviceGlyph kind={kind} theme={state.theme} /> }));
}

export function DeviceGlyph({ kind, theme }: { kind: string; theme: Theme }) {
  return (
    <svg className="swatch-device" viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="12" cy="12" r="11" fill={deviceColor(kind, theme)} />
      <g transform="translate(3.4 3.4) scale(.72)">
        <path d={GLYPHS[kind] ?? GLYPHS.other} />
      </g>
    </svg>
  );
}

/** Highest in the drawing first, as they lie over each other. */
function flatLines(state: State): Line[] {
  const drawn = new Set((state.scene?.layers ?? []).map((layer) => layer.id));
  return [...state.layers]
    .reverse()
    .filter((layer) => drawn.has(`layer/${layer.id}`))
    .map((layer) => ({
      id: `layer/${layer.id}`,
      name: state.language === "zh" ? layer.title_zh || layer.title_en : layer.title_en || layer.title_zh,
      count: layer.features,
      swatch: <FlatSwatch layer={layer} theme={state.theme} />,
    }));
}

function FlatSwatch({ layer, theme }: { layer: LayerInfo; theme: Theme }) {
  const { fill, line, casing } = flatColors(layer.style, theme);
  const css = (color: readonly number[]): string => `rgba(${color[0]},${color[1]},${color[2]},${(color[3] ?? 255) / 255})`;
  if (layer.geometry === "line") {
    return <i className="swatch is-line" style={{ background: css(line), boxShadow: casing ? `0 0 0 1px ${css(casing)}` : undefined }} />;
  }
  return <i className={`swatch ${layer.geometry === "point" ? "is-point" : ""}`} style={{ background: css(fill), borderColor: css(line) }} />;
}
