/**
 * What is shown of each element of a tile, as the RGBA8 texture the tile shaders read.
 *
 * Rules are said once for the whole park: of groups by their storey, model and building, and of single elements by a table of ids. A
 * tile's texture follows from them by looking numbers up, some nanoseconds an element, and is uploaded only where it differs.
 */
import { STATE_WIDTH } from "./shaders";
import type { Column, IdTable, Table } from "./table";

/** "own": as it is; "hidden": neither drawn nor picked; "ghost": a faint shape; a colour with its strength (0 to 1) else. */
export type FeatureState = "own" | "hidden" | "ghost" | { color: readonly [number, number, number]; strength: number };

/** Later rules give way to earlier ones: `single`, then `group`, then `tint`. */
export interface StateRules {
  /** Changes whenever the rules answer differently. */
  key: string;
  /** Ids that differ from the rest: number k stands for `singles[k - 1]`. */
  ids: IdTable | null;
  singles: readonly FeatureState[];
  /** What elements without a number are, where that is not what their group says. */
  rest: FeatureState | null;
  /** Singles that hold against what the group says; the others only recolour what the group shows. */
  firm: ReadonlySet<number>;
  group: GroupRule | null;
  /** A colour for all of one building or of its models. */
  tint: { building: string; models: ReadonlySet<string>; state: FeatureState } | null;
}

/** A storey looked into: its own as they are, those of the storeys below as ghosts, above nothing; other buildings as ghosts. */
export interface GroupRule {
  building: string;
  models: ReadonlySet<string>;
  above: ReadonlySet<string>;
  below: ReadonlySet<string>;
}

export interface StateTexture {
  data: Uint8Array; // RGBA8, STATE_WIDTH wide
  height: number;
  hasGhosts: boolean;
  isChanged: boolean; // against the texture before
}

const OWN = 255;
const GHOST = 160;
const OWN_CODE = pack("own");
const HIDDEN_CODE = pack("hidden");
const GHOST_CODE = pack("ghost");

export function stateHeight(features: number): number {
  return Math.max(1, Math.ceil(features / STATE_WIDTH));
}

/** A state as the four bytes of its pixel, little-endian. */
export function pack(state: FeatureState): number {
  if (state === "own") return (OWN << 24) >>> 0;
  if (state === "ghost") return (GHOST << 24) >>> 0;
  if (state === "hidden") return 0;
  const [r, g, b] = state.color;
  const alpha = Math.max(1, Math.min(124, Math.round(state.strength * 124)));
  return (r | (g << 8) | (b << 16) | (alpha << 24)) >>> 0;
}

/** @param before the texture's bytes so far, written over in place where given */
export function encodeStates(table: Table, features: number, rules: StateRules | null, before?: Uint8Array): StateTexture {
  const height = stateHeight(features);
  const data = before ?? new Uint8Array(STATE_WIDTH * height * 4);
  const pixels = new Uint32Array(data.buffer, data.byteOffset, STATE_WIDTH * height);
  const known = Math.min(features, table.count);
  let isChanged = before === undefined;
  let hasGhosts = false;
  const write = (index: number, code: number): void => {
    if (code === GHOST_CODE) hasGhosts = true;
    if (pixels[index] === code) return;
    pixels[index] = code;
    isChanged = true;
  };
  const codeOf = rules ? compile(table, rules) : () => OWN_CODE;
  for (let i = 0; i < known; i++) write(i, codeOf(i));
  for (let i = known; i < features; i++) write(i, OWN_CODE);
  return { data, height, hasGhosts, isChanged };
}

function compile(table: Table, rules: StateRules): (index: number) => number {
  const { ids, firm } = rules;
  const { hashes } = table;
  const grouped = rules.group ? groupCodes(table, rules.group) : null;
  const tinted = rules.tint ? tintCodes(table, rules.tint) : null;
  const singles = rules.singles.map(pack);
  const rest = rules.rest === null ? null : pack(rules.rest);
  const hasIds = ids !== null && ids.size > 0;
  return (index) => {
    const single = hasIds ? ids.find(hashes[index * 2]!, hashes[index * 2 + 1]!) : 0;
    if (single > 0 && firm.has(single)) return singles[single - 1]!;
    if (single === 0 && rest !== null) return rest;
    const group = grouped ? grouped(index) : OWN_CODE;
    if (group !== OWN_CODE) return group;
    if (single > 0) return singles[single - 1]!;
    return tinted ? tinted(index) : OWN_CODE;
  };
}

function groupCodes(table: Table, rule: GroupRule): (index: number) => number {
  const isOwnModel = lookup(table.columns.model, (word) => (rule.models.has(word) ? 1 : 0));
  const isOwnBuilding = lookup(table.columns.building, (word) => (word === rule.building ? 1 : 0));
  const ofStorey = lookup(table.columns.storey, (word) => (!word || rule.above.has(word) ? HIDDEN_CODE : rule.below.has(word) ? GHOST_CODE : OWN_CODE), HIDDEN_CODE);
  return (index) => (isOwnModel(index) || isOwnBuilding(index) ? ofStorey(index) : GHOST_CODE);
}

function tintCodes(table: Table, { building, models, state }: NonNullable<StateRules["tint"]>): (index: number) => number {
  const code = pack(state);
  const isModel = lookup(table.columns.model, (word) => (models.has(word) ? 1 : 0));
  const isBuilding = lookup(table.columns.building, (word) => (word === building ? 1 : 0));
  return (index) => (isModel(index) || isBuilding(index) ? code : OWN_CODE);
}

/** A number for each row by its word; asked once a word, not once a row. */
function lookup(column: Column | undefined, of: (word: string) => number, missing = 0): (index: number) => number {
  if (!column || column.kind === "numbers") return () => missing;
  if (column.kind === "words") {
    const codes = Uint32Array.from(column.words, of);
    return (index) => codes[column.codes[index]!] ?? missing;
  }
  const text = new TextDecoder();
  return (index) => of(text.decode(column.bytes.subarray(column.starts[index], column.starts[index + 1])));
}
