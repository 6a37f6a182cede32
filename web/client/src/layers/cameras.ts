/** What cameras look at: thin lines from the lens and a light fill on the ground. */
import { PathLayer, PolygonLayer } from "@deck.gl/layers";
import type { Feature, Geometry, Position } from "geojson";

import type { Device, FieldOfView } from "../api/types";
import { offset } from "../map/earth";
import type { Ground } from "../map/ground";
import type { LayerContext } from "./context";
import { FLOATING, TRUE_DEPTH } from "./context";
import { isShown } from "./devices";

type Point = [number, number, number];

const WEDGE_M = 14; // length of the sign for a camera's direction where its reach is not asked for
const RAYS = 9;

/** A sign for the direction of every camera: two lines as wide as its picture. */
export function wedges(devices: Device[], originHeight: number): Point[][] {
  return devices.flatMap((device) => {
    const azimuth = numberIn(device.attributes, "azimuth_deg");
    if (device.kind !== "camera" || azimuth === null) return [];
    const width = numberIn(device.attributes, "hfov_deg") ?? 78;
    const z = device.h_m - originHeight;
    const drop = Math.min(device.height_m ?? 3, 3);
    return [-width / 2, width / 2].map((turn): Point[] => {
      const angle = ((azimuth + turn) * Math.PI) / 180;
      const [lon, lat] = offset(device.lon, device.lat, Math.sin(angle) * WEDGE_M, Math.cos(angle) * WEDGE_M);
      return [
        [device.lon, device.lat, z],
        [lon, lat, z - drop],
      ];
    });
  });
}

export function cameraLayers(context: LayerContext): (PathLayer | PolygonLayer)[] {
  const { state, palette, originHeight } = context;
  const isShownKind = !state.hidden.has("devices/camera");
  const layers: (PathLayer | PolygonLayer)[] = [
    new PathLayer<Point[]>({
      id: "cameras/directions",
      data: state.fieldsOfView && isShownKind ? directions(state.devices, state.buildingId, state.storeyId, originHeight) : [],
      getPath: (path) => path,
      getColor: [...palette.brand, 170],
      getWidth: 1.3,
      widthUnits: "pixels",
      getPolygonOffset: TRUE_DEPTH,
      parameters: FLOATING,
    }),
  ];
  const { fieldOfView, selection } = state;
  if (state.trial || !fieldOfView || selection?.type !== "device" || !selection.detail) return layers;
  const lens: Point = [selection.detail.lon, selection.detail.lat, (apexOf(fieldOfView) ?? selection.detail.h_m) - originHeight];
  const rings = ringsOf(fieldOfView, context.ground, selection.detail.storey_id ? lens[2] - (selection.detail.height_m ?? 2.5) : null);
  return [
    ...layers,
    new PolygonLayer<Point[]>({
      id: "cameras/view",
      data: rings,
      getPolygon: (ring) => ring,
      getFillColor: [...palette.brand, 46],
      getLineColor: [...palette.brand, 220],
      getLineWidth: 1.5,
      lineWidthUnits: "pixels",
      getPolygonOffset: TRUE_DEPTH,
      parameters: FLOATING,
    }),
    new PathLayer<Point[]>({
      id: "cameras/rays",
      data: rings.flatMap((ring) => raysTo(ring, lens)),
      getPath: (path) => path,
      getColor: [...palette.brand, 150],
      getWidth: 1,
      widthUnits: "pixels",
      getPolygonOffset: TRUE_DEPTH,
      parameters: FLOATING,
    }),
  ];
}

const known = new WeakMap<Device[], Map<string, Point[][]>>();

function directions(devices: Device[], buildingId: string | null, storeyId: string | null, originHeight: number): Point[][] {
  const byKey = known.get(devices) ?? new Map<string, Point[][]>();
  known.set(devices, byKey);
  const key = `${buildingId}/${storeyId}/${originHeight}`;
  if (!byKey.has(key)) byKey.set(key, wedges(devices.filter((device) => isShown(device, buildingId, storeyId)), originHeight));
  return byKey.get(key)!;
}

function apexOf(view: FieldOfView): number | null {
  const apex = view.apex_h_m ?? view.properties?.apex_h_m;
  return typeof apex === "number" ? apex : null;
}

/** The outlines of what is seen, lifted onto the ground or onto the floor at `floor`. */
function ringsOf(view: FieldOfView, ground: Ground, floor: number | null): Point[][] {
  const geometry: Geometry | null = view.type === "Feature" ? (view as Feature).geometry : (view as Geometry);
  const polygons: Position[][][] = geometry?.type === "Polygon" ? [geometry.coordinates] : geometry?.type === "MultiPolygon" ? geometry.coordinates : [];
  return polygons.flatMap(([ring]) =>
    ring ? [ring.map(([lon = 0, lat = 0]): Point => [lon, lat, (floor ?? ground.heightAt(lon, lat)) + 0.12])] : [],
  );
}

function raysTo(ring: Point[], lens: Point): Point[][] {
  const step = Math.max(1, Math.floor(ring.length / RAYS));
  return ring.filter((_, i) => i % step === 0).map((corner) => [lens, corner]);
}

function numberIn(attributes: Record<string, unknown>, name: string): number | null {
  const value = Number(attributes[name]);
  return attributes[name] === null || attributes[name] === undefined || attributes[name] === "" || !Number.isFinite(value) ? null : value;
}
