/** Name, park, the three people's modes, search, theme and language. */
import { useTranslation } from "react-i18next";

import { THEME_KEY } from "../app/theme";
import { changeLanguage, remember } from "../i18n";
import { flyHome } from "../map/flight";
import { type Role, set, useStore } from "../state/store";
import { Icon } from "./icons";
import { Search } from "./Search";
import { Segments } from "./Segments";

const ROLES: Role[] = ["manage", "plan", "evaluate"];

export function TopBar() {
  const { t } = useTranslation();
  const park = useStore((state) => state.park);
  const role = useStore((state) => state.role);
  const theme = useStore((state) => state.theme);
  const language = useStore((state) => state.language);
  const otherTheme = theme === "dark" ? "light" : "dark";
  const setTheme = (): void => {
    set({ theme: otherTheme });
    remember(THEME_KEY, otherTheme);
  };
  const setLanguage = (): void => {
    const next = language === "zh" ? "en" : "zh";
    changeLanguage(next);
    set({ language: next });
  };
  return (
    <header className="panel topbar">
      <button className="brand" onClick={() => flyHome()} title={t("top.home")}>
        <Logo />
        <b>{t("brand")}</b>
      </button>
      {park && (
        <span className="park-name" title={park.name} data-testid="park-name">
          {(language === "zh" && park.name_zh) || park.name}
        </span>
      )}
      <Segments
        label={t("role.label")}
        value={role}
        options={ROLES.map((one) => ({ value: one, label: t(`role.${one}`), testId: `role-${one}` }))}
        onChange={(next) => set({ role: next, isRightOpen: true, selection: null })}
      />
      <Search />
      <div className="topbar-end">
        <button className="icon-button" onClick={setTheme} aria-label={t("top.theme", { theme: t(`top.themes.${otherTheme}`) })} data-testid="theme">
          <Icon name={otherTheme === "dark" ? "moon" : "sun"} size={18} />
        </button>
        <button className="text-button" onClick={setLanguage} aria-label={t("top.language")} lang={language === "zh" ? "en" : "zh-CN"} data-testid="language">
          {t("top.languageShort")}
        </button>
      </div>
    </header>
  );
}

function Logo() {
  return (
    <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" className="logo-back" />
      <path d="M8 22.5V12l8-4 8 4v10.5L16 26z M8 12l8 4 8-4 M16 16v10" className="logo-lines" />
    </svg>
  );
}
