/** Puts the page into an element: the same for the server's page and for the exported one. */
import { StrictMode } from "react";
import { type Root, createRoot } from "react-dom/client";

import type { Source } from "../api/source";
import { preferredLanguage, recall, startLanguage, storedLanguage } from "../i18n";
import type { MapSources } from "../map/engine";
import { askedFor, openAsked } from "../map/opening";
import { followLive, loadPark } from "../state/park";
import { storedProfile } from "../state/profile";
import { sectionOf, withSection } from "../state/section";
import { setSource } from "../state/source";
import { type Language, type Theme, set, useStore } from "../state/store";
import type { Section } from "../section/section";
import { App } from "./App";
import { THEME_KEY, preferredTheme } from "./theme";
import "./styles.css";

const ADDRESS_MS = 300;

export interface Options {
  source: Source;
  map: MapSources;
  language?: Language | undefined;
  theme?: Theme | undefined;
}

export function mount(element: HTMLElement, options: Options): Root {
  const language = options.language ?? preferredLanguage(navigator.languages, storedLanguage());
  const theme = options.theme ?? preferredTheme(recall(THEME_KEY), matchMedia("(prefers-color-scheme: dark)").matches);
  startLanguage(language);
  document.documentElement.dataset.theme = theme;
  const section = sectionOf(location.search);
  set({ language, theme, isLeftOpen: innerWidth > 720, profile: storedProfile(), section });
  useStore.subscribe((state, before) => state.section !== before.section && keepAddress(state.section));
  setSource(options.source);
  const asked = askedFor(location.search);
  void loadPark().then(() => asked && openAsked(asked));
  followLive();
  const root = createRoot(element);
  root.render(
    <StrictMode>
      <App map={options.map} />
    </StrictMode>,
  );
  return root;
}

let waiting: ReturnType<typeof setTimeout> | undefined;

/** Writes the section into the address once it rests: browsers allow some hundred changes a minute. */
function keepAddress(section: Section | null): void {
  clearTimeout(waiting);
  waiting = setTimeout(() => history.replaceState(null, "", withSection(location.href, section)), ADDRESS_MS);
}
