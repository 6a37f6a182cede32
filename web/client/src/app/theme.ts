import type { Theme } from "../state/store";

export const THEME_KEY = "parktwin.theme";

/** What was chosen before, else what the system prefers. */
export function preferredTheme(stored: string | null, isDark: boolean): Theme {
  if (stored === "light" || stored === "dark") return stored;
  return isDark ? "dark" : "light";
}
