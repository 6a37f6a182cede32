/** Dragging a thing in the scene by the pointer, before the map hears of it. */

export interface Grip<Held> {
  /** Whether the pointer is over something that can be dragged. */
  isOver(event: PointerEvent): boolean;
  /** What the pointer takes hold of; null where there is nothing. */
  hold(event: PointerEvent): Held | null;
  drag(held: Held, event: PointerEvent): void;
  /** The class of the element while the pointer is over something. */
  over: string;
}

/** The pointer's place over an element. [px] */
export function placeOver(element: HTMLElement, event: PointerEvent): [number, number] {
  const box = element.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

/** Follows the pointer over the map's element; answers how to stop. */
export function followPointer<Held>(element: HTMLElement, grip: Grip<Held>): () => void {
  let held: { what: Held; pointer: number } | null = null;
  const down = (event: PointerEvent): void => {
    const what = event.button === 0 ? grip.hold(event) : null;
    if (what === null) return;
    held = { what, pointer: event.pointerId };
    take(event);
  };
  const move = (event: PointerEvent): void => {
    if (!held) {
      element.classList.toggle(grip.over, event.buttons === 0 && grip.isOver(event));
      return;
    }
    if (event.pointerId !== held.pointer) return;
    take(event);
    grip.drag(held.what, event);
  };
  const up = (event: PointerEvent): void => {
    if (!held || event.pointerId !== held.pointer) return;
    held = null;
    take(event);
  };
  const options = { capture: true };
  element.addEventListener("pointerdown", down, options);
  window.addEventListener("pointermove", move, options);
  window.addEventListener("pointerup", up, options);
  window.addEventListener("pointercancel", up, options);
  return () => {
    element.removeEventListener("pointerdown", down, options);
    window.removeEventListener("pointermove", move, options);
    window.removeEventListener("pointerup", up, options);
    window.removeEventListener("pointercancel", up, options);
  };
}

function take(event: PointerEvent): void {
  event.stopImmediatePropagation();
  event.preventDefault();
}
