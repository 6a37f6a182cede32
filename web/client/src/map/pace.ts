/** What the picture still waits for, and how often half pictures are drawn while the first one comes together. */
import type { Deck } from "@deck.gl/core";

/** What deck.gl keeps to itself of its frames. */
interface Frames {
  _needsRedraw: string | false;
  _drawLayers(reason: string): void;
  layerManager: { needsUpdate(): string | false } | null;
}

const HALF_PICTURES_EVERY_MS = 600; // each would put off the whole one, for long where there is no graphics card
const OPENING_MS = 6000; // then the first picture is taken to be as whole as it gets

/** The layers that are not loaded. */
export function unloaded(deck: Deck): string[] {
  const layers = deck.props.layers as ({ id: string; isLoaded?: boolean } | null)[];
  return layers.flatMap((layer) => (layer?.isLoaded === false ? [layer.id] : []));
}

/** Whether something has come that is in no picture yet. */
export function isFrameDue(deck: Deck): boolean {
  const { layerManager } = deck as unknown as Frames;
  return Boolean(layerManager?.needsUpdate() || deck.needsRedraw({ clearRedrawFlags: false }));
}

export class Pace {
  private opened = 0; // when the park came, until its first picture is whole
  private drawn = 0;

  /** The first picture begins to come. */
  open(): void {
    this.opened = performance.now();
  }

  /** Draws a frame, or has deck.gl ask again in the next one while the first picture is still coming. */
  paint(deck: Deck, reason: string, isWhole: boolean): void {
    const frames = deck as unknown as Frames;
    const now = performance.now();
    const isHalf = this.opened > 0 && now - this.opened < OPENING_MS && !isWhole;
    if (isHalf && now - this.drawn < HALF_PICTURES_EVERY_MS) {
      frames._needsRedraw = reason;
      return;
    }
    if (!isHalf) this.opened = 0;
    this.drawn = now;
    frames._drawLayers(reason);
  }
}
