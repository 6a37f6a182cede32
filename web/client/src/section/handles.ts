/** Dragging the faces of a section in the scene, each along its own normal. */
import { followPointer, placeOver } from "../map/dragging";
import { changeSection } from "../state/section";
import { get } from "../state/store";
import { type Face, type Section, faces, moved, pushed } from "./section";

/** What of the map handles need; heights above the park's datum. */
export interface HandleMap {
  project(place: readonly [number, number, number?]): [number, number];
}

interface Held {
  face: Face;
  section: Section;
  from: [number, number];
  /** Pixels that a metre along the normal is worth. */
  metre: [number, number];
}

const MOUSE_PX = 14;
const FINGER_PX = 26;
const LEAST_PX = 0.02; // a face that is seen head on cannot be dragged

/** Follows the pointer over the map's element; answers how to stop. */
export function followFaces(map: HandleMap, element: HTMLElement): () => void {
  const under = (event: PointerEvent): Face | null => {
    const { section, isSectionOpen } = get();
    if (!section || !isSectionOpen) return null;
    const [x, y] = placeOver(element, event);
    const near = event.pointerType === "touch" ? FINGER_PX : MOUSE_PX;
    const distance = (face: Face): number => Math.hypot(...map.project(face.at).map((value, i) => value - [x, y][i]!));
    return faces(section).filter((face) => distance(face) <= near).sort((a, b) => distance(a) - distance(b))[0] ?? null; // prettier-ignore
  };
  return followPointer<Held>(element, {
    over: "is-over-face",
    isOver: (event) => under(event) !== null,
    hold: (event) => {
      const { section } = get();
      const face = under(event);
      if (!face || !section) return null;
      const [a, b] = [map.project(face.at), map.project(moved(face.at, face.normal, 1))];
      return { face, section, from: placeOver(element, event), metre: [b[0] - a[0], b[1] - a[1]] };
    },
    drag: (held, event) => changeSection(pushed(held.section, held.face.key, along(held, placeOver(element, event)))),
  });
}

/** How far along the normal the pointer went. [m] */
function along({ from, metre }: Held, to: [number, number]): number {
  const squared = metre[0] ** 2 + metre[1] ** 2;
  if (squared < LEAST_PX) return 0;
  return ((to[0] - from[0]) * metre[0] + (to[1] - from[1]) * metre[1]) / squared;
}
