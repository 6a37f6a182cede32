/** One field for everything that has a name; choosing a hit flies there and opens it. */
import { AutoComplete } from "antd";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import type { SearchHit } from "../api/types";
import { word } from "../i18n";
import { inLanguage } from "../i18n/bilingual";
import { openHit } from "../map/opening";
import { source } from "../state/source";
import { type Language, useStore } from "../state/store";
import { Icon } from "./icons";

const WAIT_MS = 180;

export function Search() {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const [hits, setHits] = useState<SearchHit[] | null>(null);
  const asked = useRef(0);
  useEffect(() => {
    const query = text.trim();
    if (!query) {
      setHits(null);
      return undefined;
    }
    const ticket = ++asked.current;
    const timer = setTimeout(() => {
      source()
        .search(query)
        .then((found) => ticket === asked.current && setHits(found.slice(0, 30)))
        .catch(() => ticket === asked.current && setHits([]));
    }, WAIT_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const options = (hits ?? []).map((hit, index) => ({ value: `${hit.type}/${hit.id}/${index}`, label: <Hit hit={hit} /> }));
  return (
    <div className="search" data-search role="search">
      <Icon name="search" />
      <AutoComplete
        value={text}
        options={options}
        onChange={(value: string) => setText(value)}
        onSelect={(_value: string, option: { value: string }) => {
          const hit = hits?.[Number(option.value.split("/").pop())];
          setText(hit?.name ?? "");
          asked.current++;
          if (hit) void openHit(hit);
          (document.activeElement as HTMLElement | null)?.blur();
        }}
        defaultActiveFirstOption
        variant="borderless"
        popupMatchSelectWidth={360}
        aria-label={t("top.searchLabel")}
        data-testid="search"
        placeholder={t("top.search")}
        notFoundContent={hits && text.trim() ? <span className="dim">{t("top.noResults", { text: text.trim() })}</span> : null}
      />
      <kbd aria-hidden="true">/</kbd>
    </div>
  );
}

/** Devices say their kind, buildings their use, elements their class: words of the data, in the page's language. */
function detailOf(hit: SearchHit, language: Language): string {
  const detail = hit.detail ?? "";
  const known = { device: "deviceKind", building: "usage", space: "usage", element: "ifcClass" }[hit.type as string];
  return known ? word(`${known}.${detail}`, inLanguage(detail, language)) : inLanguage(detail, language);
}

function Hit({ hit }: { hit: SearchHit }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  return (
    <span className="hit">
      <span className="hit-name">{inLanguage(hit.name || hit.id, language)}</span>
      {hit.detail && <span className="hit-detail dim">{detailOf(hit, language)}</span>}
      <span className="hit-type dim">{word(`detail.${hit.type}`, t("detail.feature"))}</span>
    </span>
  );
}
