/** What things are called on a page in one language. */
import type { Building, Device } from "../api/types";
import { inLanguage } from "../i18n/bilingual";

export function buildingName(building: Building, language: "zh" | "en"): string {
  const name = language === "zh" ? building.name_zh || building.name : building.name || building.name_zh;
  return inLanguage(name || building.id, language);
}

/** A device's name; the table may give a Chinese one beside the other. */
export function deviceName(device: Device, language: "zh" | "en"): string {
  const { name_zh, name_en } = device.attributes as { name_zh?: string; name_en?: string };
  return inLanguage((language === "zh" ? name_zh : name_en) || device.name || device.id, language);
}
