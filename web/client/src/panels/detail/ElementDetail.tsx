/** An element of a building model: identity, place, materials, property sets. */
import { useTranslation } from "react-i18next";

import type { Element } from "../../api/types";
import { word } from "../../i18n";
import { inLanguage } from "../../i18n/bilingual";
import { formatAmount } from "../../i18n/format";
import { buildingName } from "../../state/names";
import { flyToPlace } from "../../map/flight";
import { chooseStorey, hideElement, isolateElement, showAllElements } from "../../state/selection";
import { type Selection, useStore } from "../../state/store";
import { Action, Facts, Head, Identity, Properties, type PropertySets, className } from "./parts";
import { Versions } from "./Versions";

type Chosen = Extract<Selection, { type: "element" }>;

export function ElementDetail({ selection }: { selection: Chosen }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const { detail } = selection;
  const name = detail?.name || selection.name;
  const kind = detail?.class ?? selection.class;
  return (
    <>
      <Head kind={className(kind)} title={inLanguage(name, language) || t("detail.unnamed")} />
      <Identity label={t("detail.globalId")} id={selection.id} testId="element-id" />
      <Actions selection={selection} />
      {(detail?.model ?? selection.model) && <Versions model={(detail?.model ?? selection.model)!} />}
      {detail ? <Body element={detail} /> : <p className="dim">{t("detail.loading")}</p>}
    </>
  );
}

function Actions({ selection }: { selection: Chosen }) {
  const { t } = useTranslation();
  const isolated = useStore((state) => state.isolatedElement);
  const hiddenCount = useStore((state) => state.hiddenElements.size);
  const { detail, id } = selection;
  const fly = (): void => {
    if (!detail?.lonlat_h) return;
    const box = detail.bbox;
    const size = box ? Math.hypot(box[3]! - box[0]!, box[4]! - box[1]!, box[5]! - box[2]!) : 8;
    flyToPlace(detail.lonlat_h, Math.max(4, size * 0.8));
  };
  return (
    <div className="actions">
      {detail?.lonlat_h && <Action icon="target" label={t("detail.flyTo")} onClick={fly} testId="fly-to" />}
      <Action icon="eyeOff" label={t("detail.hide")} onClick={() => hideElement(id)} testId="hide" />
      <Action icon="isolate" label={t("detail.isolate")} onClick={() => isolateElement(isolated === id ? null : id)} testId="isolate" />
      {(isolated !== null || hiddenCount > 0) && <Action icon="refresh" label={t("detail.showAll")} onClick={showAllElements} testId="show-all" />}
    </div>
  );
}

function Body({ element }: { element: Element }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const buildings = useStore((state) => state.buildings);
  const storeys = useStore((state) => state.storeys);
  const building = buildings.find((one) => one.id === element.building);
  const { storey } = element;
  const canOpen = storey !== null && storeys.some((one) => one.id === storey.id);
  return (
    <>
      <Facts
        facts={[
          [t("detail.building_"), building ? buildingName(building, language) : element.building],
          [
            t("detail.storey"),
            storey &&
              (canOpen ? (
                <button className="link" onClick={() => chooseStorey(storey.id)}>
                  {storey.name}
                </button>
              ) : (
                storey.name
              )),
          ],
          [t("detail.spaceOf"), inLanguage(spaceName(element.space) ?? "", language)],
          [t("detail.type"), element.type && inLanguage(element.type, language)],
          [t("detail.discipline"), element.discipline && word(`detail.disciplines.${element.discipline}`, element.discipline)],
          [t("detail.state"), element.state && <State element={element} />],
        ]}
      />
      <Materials element={element} />
      <Properties sets={propertySets(element)} />
    </>
  );
}

function State({ element }: { element: Element }) {
  const state = element.state ?? "";
  const isFine = state === "built";
  return (
    <span className={isFine ? "" : "is-warning"} title={element.reason ?? undefined}>
      {word(`detail.${state}`, state)}
      {!isFine && element.reason && <span className="dim"> {element.reason}</span>}
    </span>
  );
}

function Materials({ element }: { element: Element }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  if (!element.materials?.length) return null;
  return (
    <section className="materials">
      <h3>{t("detail.materials")}</h3>
      <ol>
        {element.materials.map((material, index) => (
          <li key={index}>
            <span>{inLanguage(material.name ?? "–", language)}</span>
            {typeof material.thickness_m === "number" && <span className="num">{formatAmount(material.thickness_m * 1000, language)} mm</span>}
          </li>
        ))}
      </ol>
    </section>
  );
}

function spaceName(space: unknown): string | null {
  if (typeof space === "string") return space;
  if (space && typeof space === "object") return String((space as { name?: unknown }).name ?? "");
  return null;
}

/** Sets as the model names them; properties outside any set come first. */
export function propertySets(element: Element): PropertySets {
  const loose: [string, unknown][] = [];
  const sets: PropertySets = [];
  for (const [name, value] of Object.entries(element.properties ?? {})) {
    if (value && typeof value === "object" && !Array.isArray(value)) sets.push([name === "_ifc" ? "IFC" : name, Object.entries(value)]);
    else loose.push([name, value]);
  }
  sets.sort(([a], [b]) => Number(a === "IFC") - Number(b === "IFC")); // what the schema says comes after what the author said
  return loose.length ? [["–", loose], ...sets] : sets;
}
