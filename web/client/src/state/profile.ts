/** How much the page asks of the machine: all it has, or what a phone can give. */
import { recall, remember } from "../i18n";
import { type State, set } from "./store";

export type Profile = "auto" | "full" | "light";

const KEY = "parktwin.profile";
const SMALL_PX = 820;
const LITTLE_GB = 4;
const MEMORY_MB = { full: 512, light: 128 };
const MOST_PIXELS = { full: 2, light: 1.25 }; // device pixels a CSS pixel

export interface Machine {
  memoryGb: number | undefined;
  isTouched: boolean;
  shorterSide: number;
}

/** Whether a machine is better served by a light drawing: a touched small screen, or little memory. */
export function isWeak({ memoryGb, isTouched, shorterSide }: Machine): boolean {
  return (memoryGb !== undefined && memoryGb < LITTLE_GB) || (isTouched && shorterSide < SMALL_PX);
}

function thisMachine(): Machine {
  return {
    memoryGb: (navigator as { deviceMemory?: number }).deviceMemory,
    isTouched: matchMedia("(pointer: coarse)").matches,
    shorterSide: Math.min(screen.width, screen.height),
  };
}

let weak: boolean | null = null;

export function isLight({ profile }: Pick<State, "profile">): boolean {
  if (profile !== "auto") return profile === "light";
  weak ??= typeof navigator !== "undefined" && typeof matchMedia !== "undefined" && isWeak(thisMachine());
  return weak;
}

export function memoryMb(state: Pick<State, "profile">): number {
  return MEMORY_MB[isLight(state) ? "light" : "full"];
}

/** What deck.gl is told of device pixels. */
export function pixelRatio(state: Pick<State, "profile">): number {
  return Math.min(globalThis.devicePixelRatio ?? 1, MOST_PIXELS[isLight(state) ? "light" : "full"]);
}

export function storedProfile(): Profile {
  const stored = recall(KEY);
  return stored === "full" || stored === "light" ? stored : "auto";
}

export function chooseProfile(profile: Profile): void {
  set({ profile });
  remember(KEY, profile);
}
