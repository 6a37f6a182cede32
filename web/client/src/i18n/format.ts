/** Numbers, units and times as each language writes them. */
import type { Language } from "./index";

const LOCALE = { zh: "zh-CN", en: "en-GB" } as const;

export function formatNumber(value: number, language: Language, digits = 0): string {
  return value.toLocaleString(LOCALE[language], { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/** A number with as many digits as it deserves: three where it is small, none past a thousand. */
export function formatAmount(value: number, language: Language): string {
  const size = Math.abs(value);
  const digits = size >= 1000 || Number.isInteger(value) ? 0 : size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return value.toLocaleString(LOCALE[language], { maximumFractionDigits: digits });
}

/** How a measured value is shown: the number and its unit apart, so that the unit can be smaller. */
export interface Shown {
  number: string;
  unit: string;
}

/** Shares (unit "1") are shown as percent with two digits; a count with what it counts, where that has a word; all else with its own unit. */
export function formatValue(value: number, unit: string, language: Language, quantity = ""): Shown {
  if (unit === "1" || unit === "share") return { number: (value * 100).toFixed(2), unit: "%" };
  return { number: formatAmount(value, language), unit: unit === "count" ? (COUNTED[quantity]?.[language] ?? "") : unitName(unit) };
}

const COUNTED: Record<string, Record<Language, string>> = { function: { zh: "项功能", en: "functions" } };

/** "0.42 points": by how much a value changes, without its sign; shares in percentage points, with the two digits that matter. */
export function formatChange(delta: number, unit: string, language: Language): string {
  const size = Math.abs(delta) * (unit === "1" ? 100 : 1);
  const number = size.toLocaleString(LOCALE[language], size >= 10 ? { maximumFractionDigits: 1 } : { maximumSignificantDigits: 2 });
  return unit === "1" ? `${number} ${language === "zh" ? "个百分点" : "points"}` : number;
}

export function unitName(unit: string): string {
  const names: Record<string, string> = { m2: "m²", m3: "m³", px_per_m: "px/m", deg: "°", dbm: "dBm", db: "dB", "1": "", count: "", none: "", name: "", text: "", names: "" };
  return names[unit] ?? unit;
}

/** "120.5 m²", "3 处" or "3": an amount of what a measure counts. */
export function formatQuantity(amount: number, quantity: string, language: Language): string {
  if (quantity === "m2") return `${formatAmount(amount, language)} m²`;
  if (quantity === "count") return language === "zh" ? `${formatAmount(amount, language)} 个` : formatAmount(amount, language);
  const counted = COUNTED[quantity]?.[language] ?? unitName(quantity);
  return `${formatAmount(amount, language)} ${counted}`.trim();
}

/** The unit a name carries at its end: range_m → m. */
export function unitOfName(name: string): string {
  const match = /(?:_|^power_)(m2|m|mm|deg|dbm|dbi|db|mhz|khz|kw|days)$|^power_(w)$/.exec(name);
  const names: Record<string, string> = { m2: "m²", deg: "°", dbm: "dBm", dbi: "dBi", db: "dB", mhz: "MHz", khz: "kHz", kw: "kW", w: "W", days: "d" };
  const unit = match?.[1] ?? match?.[2];
  return unit ? (names[unit] ?? unit) : "";
}

/** Time of day; with the date where it is not today's. */
export function formatTime(iso: string | number, language: Language, now = Date.now()): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return String(iso);
  const isToday = time.toDateString() === new Date(now).toDateString();
  const clock: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };
  const options: Intl.DateTimeFormatOptions = isToday ? clock : { ...clock, second: undefined, month: "2-digit", day: "2-digit" };
  return new Intl.DateTimeFormat(LOCALE[language], options).format(time);
}

/** Day and minute, with the year in two digits. */
export function formatDate(iso: string, language: Language): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  const options: Intl.DateTimeFormatOptions = { year: "2-digit", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false };
  return new Intl.DateTimeFormat(LOCALE[language], options).format(time).replace(",", "");
}

/** "104.06012° E  30.54007° N" */
export function formatLonLat(lon: number, lat: number): string {
  const east = `${Math.abs(lon).toFixed(5)}° ${lon < 0 ? "W" : "E"}`;
  const north = `${Math.abs(lat).toFixed(5)}° ${lat < 0 ? "S" : "N"}`;
  return `${east}  ${north}`;
}
