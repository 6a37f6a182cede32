/** The page's two languages. Chinese is the one that is asked for first; another browser language gets English. */
import i18next from "i18next";
import { initReactI18next } from "react-i18next";

import { en } from "./en";
import { zh } from "./zh";

export type Language = "zh" | "en";
const KEY = "parktwin.language";

export function preferredLanguage(languages: readonly string[], stored: string | null): Language {
  if (stored === "zh" || stored === "en") return stored;
  return (languages[0] ?? "zh").toLowerCase().startsWith("zh") ? "zh" : "en";
}

export function startLanguage(language: Language): void {
  void i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: false,
    resources: { zh: { translation: zh }, en: { translation: en } },
    interpolation: { escapeValue: false },
    initAsync: false,
    showSupportNotice: false,
  } as never);
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
}

export function changeLanguage(language: Language): void {
  void i18next.changeLanguage(language);
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  remember(KEY, language);
}

export function t(key: string, values: Record<string, unknown> = {}): string {
  return i18next.t(key, values);
}

/** The translation, or the fallback where there is none: for words that come from data. */
export function word(key: string, fallback: string): string {
  return i18next.exists(key) ? i18next.t(key) : fallback;
}

export function storedLanguage(): string | null {
  return recall(KEY);
}

/** A private window may refuse storage; then nothing is remembered. */
export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    return;
  }
}

export function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
