/**
 * How a tileset refines, and what it may keep.
 *
 * loaders.gl's own traversal stops at the first child that is not loaded, so that children come one after the other, and draws those
 * that are there over their parent. Ours asks for all of them at once and draws either the parent or the children. A tile that was
 * lost leaves its parent on the screen and is asked for again later. A coarse tile is never cut open: what a section runs through is
 * refined to its leaves, and what it takes away is not asked for.
 */
import { TILE_CONTENT_STATE, TILE_REFINEMENT, type Tile3D, type Tileset3D } from "@loaders.gl/tiles";

import type { Cut } from "../section/cut";
import { metresFrom, sideOf } from "../section/section";

/** What loaders.gl keeps to itself. */
interface Traverser {
  selectedTiles: Record<string, Tile3D>;
  _traversalStack: { push(tile: Tile3D): void; pop(): Tile3D; length: number };
  loadTile(tile: Tile3D, frame: unknown): void;
  touchTile(tile: Tile3D, frame: unknown): void;
  selectTile(tile: Tile3D, frame: unknown): void;
  canTraverse(tile: Tile3D, frame: unknown): boolean;
  shouldRefine(tile: Tile3D, frame: unknown, useParent?: boolean): boolean;
  updateTile(tile: Tile3D, frame: unknown): void;
  updateChildTiles(tile: Tile3D, frame: unknown): boolean | void;
  compareDistanceToCamera(a: Tile3D, b: Tile3D): number;
  executeTraversal(root: Tile3D, frame: unknown): void;
  emptyTiles: Record<string, Tile3D>;
  options: { onTraversalEnd(frame: unknown): void };
}
interface Inner {
  _traverser: Traverser;
  _requestedTiles: Tile3D[];
  options: { maximumScreenSpaceError: number };
}

const MB = 1024 * 1024;
const FIRST_RETRY_MS = 4000;
const LONGEST_RETRY_MS = 120_000;

/** What a tileset is asked to look like now. */
export interface Wish {
  /** The largest error on the screen. [px] */
  screenError: number;
  cuts: readonly Cut[];
}

/** All tilesets share one budget; what is in view is never given up, but refined less. */
export class TileBudget {
  private readonly tilesets = new Set<Tileset3D>();

  constructor(private readonly most: () => number) {}

  add(tileset: Tileset3D): void {
    this.tilesets.add(tileset);
    const used = (): number => this.used();
    const spare = (): number => this.most() - used();
    // loaders.gl never reads the option of this name into the field it goes by
    Object.defineProperty(tileset, "maximumMemoryUsage", { get: () => Math.max(0, tileset.gpuMemoryUsageInBytes + spare()) / MB });
  }

  remove(tileset: Tileset3D): void {
    this.tilesets.delete(tileset);
  }

  /** [bytes] */
  used(): number {
    let sum = 0;
    for (const tileset of this.tilesets) sum += tileset.gpuMemoryUsageInBytes;
    return sum;
  }

  /** How many times coarser everything must be for what is in view to fit. */
  pressure(): number {
    const share = this.used() / Math.max(1, this.most());
    return share <= 1 ? 1 : share * share;
  }

  inView(): Tile3D[] {
    return [...this.tilesets].flatMap((tileset) => tileset.selectedTiles);
  }
}

/** Makes a tileset refine as this file says; answers how to undo what outlives it. */
export function refineWell(tileset: Tileset3D, wish: () => Wish, budget: TileBudget): () => void {
  const inner = tileset as unknown as Inner;
  const traverser = inner._traverser;
  Object.defineProperty(tileset, "memoryAdjustedScreenSpaceError", { get: () => wish().screenError * budget.pressure(), set: () => undefined });
  budget.add(tileset);
  const coarse = traverser.shouldRefine.bind(traverser);
  traverser.shouldRefine = (tile, frame, useParent) => {
    const side = sideOfTile(tile, wish().cuts);
    if (side === "away") return false;
    return coarse(tile, frame, useParent) || (side === "cut" && tile.lodMetricValue > 0 && isNear(tile));
  };
  traverser.executeTraversal = (root, frame) => traverse(traverser, root, frame, (tile) => sideOfTile(tile, wish().cuts) !== "away");
  return () => budget.remove(tileset);
}

/** A tile whose error could be seen at all: a section does not refine the other end of the park. */
function isNear(tile: Tile3D): boolean {
  return (tile as unknown as { _screenSpaceError: number })._screenSpaceError > 0.5;
}

type Seen = Tile3D & { _shouldRefine: boolean; _selectionDepth: number; isVisibleAndInRequestVolume: boolean; hasEmptyContent: boolean };

function traverse(traverser: Traverser, root: Tile3D, frame: unknown, isWanted: (tile: Tile3D) => boolean): void {
  const stack = [root as Seen];
  while (stack.length > 0) {
    const tile = stack.pop()!;
    let refines = false;
    if (traverser.canTraverse(tile, frame) || isGap(tile)) {
      traverser.updateChildTiles(tile, frame);
      refines = pushChildren(traverser, tile, frame, stack, isWanted);
    }
    const parent = tile.parent as Seen | undefined;
    const isReached = !parent || parent._shouldRefine;
    if (!tile.hasRenderContent) traverser.emptyTiles[tile.id] = tile;
    traverser.loadTile(tile, frame);
    const isDrawn = tile.hasRenderContent && (tile.refine === TILE_REFINEMENT.ADD || !refines);
    if (isDrawn && isReached && isWanted(tile)) traverser.selectTile(tile, frame);
    traverser.touchTile(tile, frame);
    tile._shouldRefine = refines && isReached;
  }
  traverser.options.onTraversalEnd(frame);
}

/** A tile with nothing of its own below one that it took the place of: to stop there would leave a hole. */
function isGap(tile: Seen): boolean {
  if (tile.hasRenderContent || tile.children.length === 0) return false;
  for (let above = tile.parent as Seen | undefined; above; above = above.parent as Seen | undefined) {
    if (above.hasRenderContent) return above.refine === TILE_REFINEMENT.REPLACE;
  }
  return false;
}

/** Asks for all children that are wanted; answers whether they can take the tile's place. */
function pushChildren(traverser: Traverser, tile: Seen, frame: unknown, stack: Seen[], isWanted: (tile: Tile3D) => boolean): boolean {
  const isReplaced = tile.refine === TILE_REFINEMENT.REPLACE && tile.hasRenderContent;
  const children = (tile.children as Seen[]).filter(isWanted).sort((a, b) => traverser.compareDistanceToCamera(a, b));
  let isReady = true;
  for (const child of children) {
    child._selectionDepth = (tile._selectionDepth ?? 0) + 1;
    if (child.isVisibleAndInRequestVolume) stack.push(child);
    else if (isReplaced) {
      traverser.loadTile(child, frame);
      traverser.touchTile(child, frame);
    }
    if (isReplaced && !isStandIn(traverser, child, frame)) isReady = false;
  }
  if (isReplaced) return isReady;
  return children.some((child) => child.isVisibleAndInRequestVolume);
}

/** Whether a child shows all that it stands for: its content is there, or that of those below it where it has none of its own. */
function isStandIn(traverser: Traverser, child: Seen, frame: unknown): boolean {
  if (child.hasRenderContent) return child.contentAvailable;
  if (child.hasEmptyContent && child.children.length === 0) return true;
  if (child.hasTilesetContent && child.children.length === 0) return false;
  return (child.children as Seen[]).every((below) => {
    traverser.updateTile(below, frame);
    if (!below.isVisibleAndInRequestVolume) {
      traverser.loadTile(below, frame);
      traverser.touchTile(below, frame);
    }
    return isStandIn(traverser, below, frame);
  });
}

type Boxed = { center: number[]; halfAxes?: number[]; radius?: number };
const balls = new WeakMap<Tile3D, { place: [number, number, number]; radius: number }>();

/** Where a tile lies of all cuts together. */
export function sideOfTile(tile: Tile3D, cuts: readonly Cut[]): "kept" | "away" | "cut" {
  if (!cuts.length) return "kept";
  const { place, radius } = ballOfTile(tile);
  let side: "kept" | "cut" = "kept";
  for (const { at, spaces } of cuts) {
    const one = sideOf(spaces, metresFrom(at, place), radius);
    if (one === "away") return "away";
    if (one === "cut") side = "cut";
  }
  return side;
}

/** A ball round a tile: longitude, latitude and height of its middle, and half its box's diagonal. */
function ballOfTile(tile: Tile3D): { place: [number, number, number]; radius: number } {
  const known = balls.get(tile);
  if (known) return known;
  const { center, halfAxes, radius } = tile.boundingVolume as Boxed;
  const [lon, lat, h] = tile.tileset.ellipsoid.cartesianToCartographic([...center] as never, [0, 0, 0] as never) as unknown as [number, number, number];
  const ball = { place: [lon, lat, h] as [number, number, number], radius: radius ?? Math.hypot(...(halfAxes ?? [0])) };
  balls.set(tile, ball);
  return ball;
}

/** Asks for lost tiles again: soon at first, then less often. Answers how to stop. */
export function retryLost(tileset: () => Tileset3D | null, update: () => void): { lost(tile: Tile3D): void; stop(): void } {
  const tries = new Map<string, number>();
  const timers = new Set<ReturnType<typeof setTimeout>>();
  return {
    lost(tile) {
      const times = tries.get(tile.id) ?? 0;
      tries.set(tile.id, times + 1);
      const timer = setTimeout(() => {
        timers.delete(timer);
        const one = tile as unknown as { contentState: number };
        if (!tileset() || one.contentState !== TILE_CONTENT_STATE.FAILED) return;
        one.contentState = TILE_CONTENT_STATE.UNLOADED;
        update();
      }, Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** times));
      timers.add(timer);
    },
    stop() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
