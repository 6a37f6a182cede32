/** The section as it is drawn: its frame, a handle on each face, and a veil over the flat park outside it. */
import { PathLayer, ScatterplotLayer, SolidPolygonLayer } from "@deck.gl/layers";

import { offset } from "../map/earth";
import { type Face, type Section, type Vector, boxAxes, faces, moved, outline, planeNormal } from "../section/section";
import { type LayerContext, ON_TOP, PAINTED, TRUE_DEPTH } from "./context";

const REACH_M = 30; // half the side of the frame of a plane
const FAR_M = 12_000;
const VEIL_ALPHA = 150;
const STEEP = 60; // planes tilted more than this leave no side of the ground away [deg]

/** Flat layers outside the section, dimmed by a veil of the ground's colour. */
export function sectionShade(context: LayerContext): SolidPolygonLayer<{ rings: Vector[][] }>[] {
  const { state, palette, ground, originHeight } = context;
  const { section } = state;
  if (!section || state.cameraMode === "underground") return [];
  const z = ground.heightAt(section.at[0], section.at[1]);
  const rings = veil(section, z);
  const isAbove = section.kind === "box" && section.at[2] - section.half[2] - originHeight > z + 1;
  if (!rings || isAbove) return [];
  return [
    new SolidPolygonLayer<{ rings: Vector[][] }>({
      id: "section/veil",
      data: [{ rings }],
      getPolygon: (item) => item.rings as never,
      getFillColor: [...palette.ground.slice(0, 3), VEIL_ALPHA] as [number, number, number, number],
      material: false,
      pickable: false,
      getPolygonOffset: TRUE_DEPTH,
      parameters: PAINTED,
      updateTriggers: { getFillColor: state.theme },
    }),
  ];
}

/** All round a box, or the removed side of a standing plane. */
function veil(section: Section, z: number): Vector[][] | null {
  const on = (place: Vector): Vector => [place[0], place[1], z];
  if (section.kind === "plane") {
    if (Math.abs(section.tilt) > STEEP) return null;
    const [x, y] = planeNormal(section);
    const length = Math.hypot(x, y);
    const away: Vector = [x / length, y / length, 0];
    const across: Vector = [away[1], -away[0], 0];
    const near = (side: number): Vector => moved(section.at, across, side * FAR_M);
    return [[near(-1), near(1), moved(near(1), away, FAR_M), moved(near(-1), away, FAR_M)].map(on)];
  }
  const [across, along] = boxAxes(section);
  const corner = (s: number, t: number): Vector => on(moved(moved(section.at, across, s * section.half[0]), along, t * section.half[1]));
  const [lon, lat] = section.at;
  const far = (s: number, t: number): Vector => [...offset(lon, lat, s * FAR_M, t * FAR_M), z];
  return [
    [far(-1, -1), far(1, -1), far(1, 1), far(-1, 1)],
    [corner(-1, -1), corner(-1, 1), corner(1, 1), corner(1, -1)],
  ];
}

/** The frame and, while the section is worked on, its handles. */
export function sectionLayers(context: LayerContext): (PathLayer<Vector[]> | ScatterplotLayer<Face>)[] {
  const { state, palette, originHeight } = context;
  const { section, isSectionOpen } = state;
  if (!section || !isSectionOpen) return [];
  const down = ([lon, lat, h]: Vector): Vector => [lon, lat, h - originHeight];
  return [
    new PathLayer<Vector[]>({
      id: "section/frame",
      data: outline(section, REACH_M).map((path) => path.map(down)),
      getPath: (path) => path as never,
      getColor: [...palette.brand, 170],
      getWidth: 1.4,
      widthUnits: "pixels",
      pickable: false,
      getPolygonOffset: TRUE_DEPTH,
      parameters: ON_TOP,
      updateTriggers: { getColor: state.theme },
    }),
    new ScatterplotLayer<Face>({
      id: "section/handles",
      data: faces(section),
      getPosition: (face) => down(face.at),
      getRadius: 7,
      radiusUnits: "pixels",
      billboard: true,
      stroked: true,
      getFillColor: [...palette.brand, 255],
      getLineColor: [255, 255, 255, 255],
      getLineWidth: 2,
      lineWidthUnits: "pixels",
      pickable: false,
      parameters: ON_TOP,
      updateTriggers: { getFillColor: state.theme },
    }),
  ];
}
