/** What happens: a shape at the place and height of each open event, and rings round those that just came. */
import { IconLayer, PathLayer, ScatterplotLayer } from "@deck.gl/layers";

import type { ParkEvent } from "../api/types";
import { type LayerContext, ON_TOP } from "./context";
import { eventAtlas } from "./icons";

const PULSE_MS = 1600;
const PULSES_FOR_MS = 20_000;
const SHOWN = 120;

export function isPulsing(pulses: Record<string, number>, now: number): boolean {
  return Object.values(pulses).some((since) => now - since < PULSES_FOR_MS);
}

/** The events worth a mark: open ones, newest first, not too many. */
export function marked(events: ParkEvent[]): ParkEvent[] {
  return events.filter((event) => event.status !== "closed").slice(0, SHOWN);
}

export function eventLayers(context: LayerContext): (IconLayer<ParkEvent> | ScatterplotLayer<ParkEvent> | PathLayer<ParkEvent>)[] {
  const { state, palette, originHeight, now, isStill, ground } = context;
  const events = memo(state.events);
  const chosen = state.selection?.type === "event" ? state.selection.id : null;
  const fresh = events.filter((event) => now - (state.pulses[event.id] ?? 0) < PULSES_FOR_MS || event.id === chosen);
  const colorOf = (event: ParkEvent): readonly number[] => palette.severity[event.severity] ?? palette.severity.info!;
  const position = (event: ParkEvent): [number, number, number] => [event.lon, event.lat, event.h_m - originHeight];
  const phase = isStill ? 0.6 : (now % PULSE_MS) / PULSE_MS;
  const atlas = eventAtlas(state.theme, palette.severity);
  return [
    new PathLayer<ParkEvent>({
      id: "events/stems",
      data: fresh,
      getPath: (event) => [
        [event.lon, event.lat, ground.heightAt(event.lon, event.lat)],
        position(event),
      ],
      getColor: (event) => [...colorOf(event), 200] as never,
      getWidth: 1.5,
      widthUnits: "pixels",
      parameters: ON_TOP,
    }),
    new ScatterplotLayer<ParkEvent>({
      id: "events/rings",
      data: fresh,
      getPosition: position,
      getRadius: 14 + 30 * phase,
      radiusUnits: "pixels",
      billboard: true,
      stroked: true,
      filled: true,
      getFillColor: (event) => [...colorOf(event), Math.round(70 * (1 - phase))] as never,
      getLineColor: (event) => [...colorOf(event), Math.round(255 * (1 - phase))] as never,
      getLineWidth: 2,
      lineWidthUnits: "pixels",
      parameters: ON_TOP,
      updateTriggers: { getRadius: phase, getFillColor: [phase, state.theme], getLineColor: [phase, state.theme] },
    }),
    new IconLayer<ParkEvent>({
      id: "events/marks",
      data: events,
      iconAtlas: atlas.image as never,
      iconMapping: atlas.mapping,
      getIcon: (event) => (event.severity in atlas.mapping ? event.severity : "info"),
      getPosition: position,
      getSize: (event) => (event.id === chosen || state.pulses[event.id] ? 30 : 20),
      sizeUnits: "pixels",
      billboard: true,
      pickable: true,
      autoHighlight: true,
      highlightColor: [255, 255, 255, 70],
      parameters: ON_TOP,
      updateTriggers: { getSize: [chosen, state.pulses] },
    }),
  ];
}

let last: { from: ParkEvent[]; to: ParkEvent[] } | null = null;

/** The same list for the same events, so that deck.gl sees no change while a ring grows. */
function memo(events: ParkEvent[]): ParkEvent[] {
  if (last?.from !== events) last = { from: events, to: marked(events) };
  return last.to;
}
