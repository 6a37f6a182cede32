/** The colours of a flat layer in a theme, for the map and for its legend. */
import type { LayerInfo } from "../api/types";
import type { Theme } from "../state/store";

export type Color = [number, number, number, number];
type Style = LayerInfo["style"] & { casing?: number[] | null; dark?: { fill?: number[] | null; line?: number[] | null; casing?: number[] | null } };

export interface FlatColors {
  fill: Color;
  line: Color;
  casing: Color | null;
}

/** A layer's colours in a theme; where the style has none for the dark, the light ones serve. */
export function flatColors(style: Style | undefined, theme: Theme): FlatColors {
  const dark = theme === "dark" ? style?.dark : undefined;
  const color = (own: number[] | null | undefined, light: number[] | null | undefined, other: Color): Color => (own ?? light ?? other) as Color;
  const casing = dark?.casing ?? style?.casing ?? null;
  return {
    fill: color(dark?.fill, style?.fill, [95, 107, 120, 40]),
    line: color(dark?.line, style?.line, [95, 107, 120, 200]),
    casing: casing ? (casing as Color) : null,
  };
}
