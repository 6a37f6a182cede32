/** What every layer maker is given: the state, what follows from it, and what changes with the camera. */
import type { Building } from "../api/types";
import type { Ground } from "../map/ground";
import type { Label } from "./labels";
import type { Palette } from "../map/palette";
import type { State } from "../state/store";

export interface LayerContext {
  state: State;
  palette: Palette;
  ground: Ground;
  /** Height of the park's origin above its datum: scene heights are park heights less this. [m] */
  originHeight: number;
  /** Steps of the zoom at which symbols change, so that not every frame makes new layers. */
  zoomStep: number;
  isStill: boolean;
  now: number;
  /** Which of the labels have room on the screen, and by how much perspective would shrink them. */
  labels: ReadonlyMap<string, number>;
  buildingLabels: Label[];
  roomLabels: Label[];
  openBuilding: Building | null;
}

/** Flat things are painted in order, whatever their depth: they lie on one surface. */
export const PAINTED = { depthCompare: "always", depthWriteEnabled: false } as const;
export const FLOATING = { depthCompare: "less-equal", depthWriteEnabled: false } as const;
/** deck.gl draws each layer a little nearer than the one before, many metres at a distance: bodies must keep their true depth. */
export const TRUE_DEPTH = (): [number, number] => [0, 0];
export const ON_TOP = { depthCompare: "always", depthWriteEnabled: false } as const;
export const FONT = '"Noto Sans SC","Noto Sans CJK SC","PingFang SC","Microsoft YaHei","Source Han Sans SC",system-ui,sans-serif';
