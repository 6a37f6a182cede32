/** Names that carry both languages at once, "大堂 Entrance lobby": the part that belongs to the page's language. */
import type { Language } from "./index";

const CHINESE = /[㐀-鿿]/;
const WORD = /[A-Za-zÀ-ɏ]{3,}/;

export function inLanguage(text: string, language: Language): string {
  if (!CHINESE.test(text) || !WORD.test(text)) return text;
  const tokens = text.split(/\s+/);
  const chinese = tokens.filter((token) => CHINESE.test(token)).join(" ");
  const other = tokens.filter((token) => !CHINESE.test(token)).join(" ");
  if (!chinese || !WORD.test(other)) return text;
  return language === "zh" ? chinese : other.replace(/^[,·/\s]+|[,·/\s]+$/g, "");
}
