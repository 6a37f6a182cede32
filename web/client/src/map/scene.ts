/** The server's scene as deck.gl layers: pydeck's JSON through @deck.gl/json, with our classes behind its names. */
import { COORDINATE_SYSTEM, type Layer, MapView } from "@deck.gl/core";
import { JSONConfiguration, JSONConverter } from "@deck.gl/json";
import {
  ArcLayer,
  BitmapLayer,
  ColumnLayer,
  GeoJsonLayer,
  GridCellLayer,
  IconLayer,
  LineLayer,
  PathLayer,
  PointCloudLayer,
  PolygonLayer,
  ScatterplotLayer,
  SolidPolygonLayer,
  TextLayer,
} from "@deck.gl/layers";
import { TileLayer } from "@deck.gl/geo-layers";

import type { LayerInfo, Scene, SceneLayer } from "../api/types";
import { PointTileset } from "../layers/points";
import { TerrainTileset } from "../layers/terrain";
import { tubesOf } from "../layers/tubes";
import { ParkVector } from "../layers/vector";
import { ParkTileset } from "../tiles/park-tileset";
import { RegisteredTileset } from "../tiles/registered-tileset";

const classes = {
  MapView,
  MVTLayer: ParkVector,
  ParkTileset,
  RegisteredTileset,
  PointTileset,
  TerrainTileset,
  Tile3DLayer: ParkTileset,
  TileLayer,
  ArcLayer,
  BitmapLayer,
  ColumnLayer,
  GeoJsonLayer,
  GridCellLayer,
  IconLayer,
  LineLayer,
  PathLayer,
  PointCloudLayer,
  PolygonLayer,
  ScatterplotLayer,
  SolidPolygonLayer,
  TextLayer,
};

export type SceneKind = "vector" | "tileset" | "registered" | "terrain" | "tubes" | "points" | "devices" | "other";

export interface ScenePart {
  id: string;
  kind: SceneKind;
  layer: Layer;
  info: LayerInfo | null;
}

/** What a layer of the scene is, by its type and id. */
export function kindOf(layer: SceneLayer): SceneKind {
  if (layer.id.startsWith("devices/")) return "devices";
  if (layer["@@type"] === "MVTLayer") return "vector";
  if (layer["@@type"] === "TerrainTileset") return "terrain";
  if (layer["@@type"] === "PointTileset") return "points";
  if (tubesOf(layer.id) !== null) return "tubes";
  if (layer["@@type"] === "ParkTileset" || layer["@@type"] === "Tile3DLayer") return "tileset";
  if (layer["@@type"] === "RegisteredTileset") return "registered";
  return "other";
}

/** The scene's layers, made once; the map draws clones of them. A type we do not know is left out. */
export function readScene(scene: Scene, layers: LayerInfo[]): ScenePart[] {
  const converter = new JSONConverter({
    configuration: new JSONConfiguration({ classes: classes as never, enumerations: { COORDINATE_SYSTEM } as never, functions: {} }),
  });
  const known = scene.layers.filter((layer) => layer["@@type"] in classes);
  return known.flatMap((layer) => {
    const made = converter.convert({ layers: [layer] }) as { layers?: Layer[] };
    const first = made.layers?.[0];
    const info = layers.find((one) => `layer/${one.id}` === layer.id) ?? null;
    return first ? [{ id: layer.id, kind: kindOf(layer), layer: first, info }] : [];
  });
}
