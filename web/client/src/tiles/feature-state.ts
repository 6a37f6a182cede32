/** What is shown of each element of a tile, as the RGBA8 texture the tile shaders read. */
import { STATE_WIDTH } from "./shaders";
import type { Row } from "./loader";

/** "own": as it is; "hidden": neither drawn nor picked; "ghost": a faint shape; a colour with its strength (0 to 1) else. */
export type FeatureState = "own" | "hidden" | "ghost" | { color: readonly [number, number, number]; strength: number };
export type FeatureStyle = (row: Row, index: number) => FeatureState;

const OWN = 255;
const GHOST = 160;

export interface StateTexture {
  data: Uint8Array; // RGBA8, STATE_WIDTH wide
  height: number;
  hasGhosts: boolean;
}

export function stateHeight(features: number): number {
  return Math.max(1, Math.ceil(features / STATE_WIDTH));
}

export function encodeStates(rows: Row[], features: number, style: FeatureStyle | null): StateTexture {
  const height = stateHeight(features);
  const data = new Uint8Array(STATE_WIDTH * height * 4);
  let hasGhosts = false;
  for (let i = 0; i < features; i++) {
    const row = rows[i];
    const state = style && row ? style(row, i) : "own";
    const at = i * 4;
    if (state === "own") data[at + 3] = OWN;
    else if (state === "ghost") {
      data[at + 3] = GHOST;
      hasGhosts = true;
    } else if (state !== "hidden") {
      data.set(state.color, at);
      data[at + 3] = Math.max(1, Math.min(124, Math.round(state.strength * 124)));
    }
  }
  return { data, height, hasGhosts };
}
