/** The rooms of the storey that is looked at: pale by use, with their names. */
import { PolygonLayer } from "@deck.gl/layers";
import type { Position } from "geojson";

import type { Space, Storey } from "../api/types";
import { centre, outlines } from "../map/outlines";
import { roomTint } from "../map/palette";
import { type Language, word } from "../i18n";
import { inLanguage } from "../i18n/bilingual";
import { type LayerContext, FLOATING, TRUE_DEPTH } from "./context";
import type { Label } from "./labels";

interface Room {
  space: Space;
  ring: Position[][];
  z: number;
}

const FLOOR_GAP_M = 0.06; // above the slab

export function interiorLayers(context: LayerContext): PolygonLayer<Room>[] {
  const { state, palette, originHeight } = context;
  const storey = state.storeys.find((one) => one.id === state.storeyId);
  const rooms = storey ? roomsOf(storey, originHeight) : [];
  const chosen = state.selection?.type === "space" ? state.selection.id : null;
  return [
    new PolygonLayer<Room>({
      id: "interior/rooms",
      data: rooms,
      getPolygon: (room) => room.ring as never,
      getFillColor: (room) => roomTint(`${room.space.usage ?? ""} ${room.space.long_name} ${room.space.name}`, state.theme) as never,
      getLineColor: (room) => (room.space.id === chosen ? [...palette.brand, 255] : ([...palette.ink, 70] as never)) as never,
      getLineWidth: (room) => (room.space.id === chosen ? 3 : 1),
      lineWidthUnits: "pixels",
      pickable: true,
      autoHighlight: true,
      highlightColor: palette.hover,
      getPolygonOffset: TRUE_DEPTH,
      parameters: { ...FLOATING, depthWriteEnabled: true },
      updateTriggers: { getFillColor: state.theme, getLineColor: [state.theme, chosen], getLineWidth: chosen },
    }),
  ];
}

/** The names of the rooms of the storey that is looked at, the larger first. */
export function roomLabels(storey: Storey | undefined, originHeight: number, language: Language): Label[] {
  if (!storey) return [];
  const rooms = [...roomsOf(storey, originHeight)].sort((a, b) => (b.space.area_m2 ?? 0) - (a.space.area_m2 ?? 0));
  return rooms.map((room) => ({ id: room.space.id, text: roomLabel(room.space, language), place: [...centre(room.ring[0] ?? []), room.z + 0.3] }));
}

/** Name and number of a room, on two lines where both say something. */
export function roomLabel(space: Space, language: Language): string {
  const use = space.usage ? word(`usage.${space.usage}`, space.usage) : "";
  const name = inLanguage(space.long_name, language) || use || space.name;
  return space.name && space.name !== name ? `${name}\n${space.name}` : name;
}

const cache = new WeakMap<Storey, Room[]>();

function roomsOf(storey: Storey, originHeight: number): Room[] {
  const known = cache.get(storey);
  if (known) return known;
  const rooms = storey.spaces.flatMap((space) => {
    const z = space.floor_h_m - originHeight + FLOOR_GAP_M;
    return outlines(space.outline).map((ring) => ({ space, z, ring: ring.map((line) => line.map(([lon = 0, lat = 0]) => [lon, lat, z])) }));
  });
  cache.set(storey, rooms);
  return rooms;
}
