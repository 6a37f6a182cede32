/** All layers of one picture, in the order they are drawn: ground, flat things, what was measured, bodies, symbols, names. */
import type { Layer } from "@deck.gl/core";
import type { Tileset3D } from "@loaders.gl/tiles";
import { Matrix4 } from "@math.gl/core";
import type { FeatureCollection } from "geojson";

import { answerLayers, gapNumbers } from "../layers/answer";
import { cameraLayers } from "../layers/cameras";
import { type LayerContext, TRUE_DEPTH } from "../layers/context";
import { deviceLayers } from "../layers/devices";
import { eventLayers } from "../layers/events";
import { groundLayers } from "../layers/ground";
import { interiorLayers } from "../layers/interior";
import { labelLayer } from "../layers/labels";
import { sectionLayers, sectionShade } from "../layers/section";
import { leftRules, tilesetDrawing } from "../layers/tilesets";
import { pointLayers } from "../layers/points";
import { terrainLayers } from "../layers/terrain";
import { trialAreas, trialMarks } from "../layers/trial";
import { isReplaced, tubeLayers } from "../layers/tubes";
import { vectorLayers } from "../layers/vectors";
import { ParkMeshes, type PlacedTile } from "../tiles/park-meshes";
import type { createTilesLoader } from "../tiles/loader";
import { type LostTile, ParkTileset, budget } from "../tiles/park-tileset";
import { lowering } from "./earth";
import type { ScenePart } from "./scene";

/** What the layers are made from besides the state. */
export interface Materials {
  parts: ScenePart[];
  tilesLoader: ReturnType<typeof createTilesLoader>;
  features: Record<string, FeatureCollection> | null;
  meshes: Record<string, PlacedTile[]> | null;
  onLost: (lost: LostTile) => void;
}

const REGISTERED_ERROR_PX = 12;
const MOST_REQUESTS = 8; // those not wanted any more are given up before they are asked for

export function composeLayers(context: LayerContext, materials: Materials): Layer[] {
  const { state } = context;
  const [longitude, latitude] = state.park!.origin;
  const tiled = tilesetOptions(context);
  const terrain = materials.meshes ? [] : terrainLayers(context, materials.parts, tiled);
  const ground = [...groundLayers(context, longitude, latitude, terrain.some((layer) => layer.props.visible)), ...terrain];
  const isBelow = state.cameraMode === "underground";
  const trees = materials.parts.filter((part) => part.info?.kind === "tree");
  const flat = materials.parts.filter((part) => !trees.includes(part) && !isReplaced(context, part, materials.parts));
  return [
    ...(isBelow ? [] : ground),
    ...vectorLayers(context, flat, materials.features),
    ...answerLayers(context, true),
    ...trialAreas(context, true),
    ...sectionShade(context),
    ...vectorLayers(context, trees, materials.features),
    ...bodies(context, materials),
    ...(materials.meshes ? [] : tubeLayers(context, materials.parts, { loader: materials.tilesLoader, loadOptions: { tileset: tiled }, onLost: materials.onLost })),
    ...(materials.meshes ? [] : pointLayers(context, materials.parts, tiled)),
    ...registered(context, materials),
    ...leftBehind(context, materials),
    ...interiorLayers(context),
    ...answerLayers(context, false),
    ...trialAreas(context, false),
    ...(isBelow ? ground : []),
    ...cameraLayers(context),
    ...others(context, materials),
    ...sectionLayers(context),
    ...trialMarks(context),
    ...deviceLayers(context),
    ...gapNumbers(context),
    ...labelLayer(context, "labels/buildings", context.buildingLabels, "pill"),
    ...labelLayer(context, "labels/rooms", context.roomLabels, "plain"),
    ...eventLayers(context),
  ] as Layer[];
}

function bodies(context: LayerContext, materials: Materials): Layer[] {
  const { state, originHeight, palette } = context;
  const [longitude, latitude] = state.park!.origin;
  return materials.parts
    .filter((part) => part.kind === "tileset")
    .flatMap((part) => {
      const drawing = { ...tilesetDrawing(context, part.id), visible: !state.hidden.has(part.id), pickable: true, autoHighlight: true, highlightColor: palette.hover, getPolygonOffset: TRUE_DEPTH };
      if (!materials.meshes) {
        const tileset = { maxRequests: MOST_REQUESTS, modelMatrix: originHeight ? matrixOf(longitude, latitude, originHeight) : undefined };
        return [
          part.layer.clone({
            ...drawing,
            loader: materials.tilesLoader,
            loadOptions: { tileset: definedOnly(tileset) },
            onLost: materials.onLost,
          } as never),
        ];
      }
      const tiles = materials.meshes[part.id];
      return tiles ? [new ParkMeshes({ id: part.id, ...drawing, tiles, loweredBy: originHeight })] : [];
    });
}

/** Tilesets that came as they are: no paint of ours, only shown or not. */
function registered(context: LayerContext, materials: Materials): Layer[] {
  const { state, originHeight } = context;
  const [longitude, latitude] = state.park!.origin;
  const tileset = {
    maximumScreenSpaceError: REGISTERED_ERROR_PX,
    modelMatrix: originHeight ? matrixOf(longitude, latitude, originHeight) : undefined,
  };
  return materials.parts
    .filter((part) => part.kind === "registered")
    .map((part) =>
      part.layer.clone({
        visible: !state.hidden.has(part.id),
        pickable: true,
        getPolygonOffset: TRUE_DEPTH,
        loadOptions: { tileset: definedOnly(tileset), worker: false },
        onTilesetLoad: (one: Tileset3D) => budget.add(one),
        onTileError: (_: unknown, message: string, url: string) => materials.onLost({ url, message }),
      } as never),
    );
}

/** The bodies of an older version that are not there any more: what was removed in its colour, what moved as a ghost. */
function leftBehind(context: LayerContext, materials: Materials): Layer[] {
  const { state, originHeight } = context;
  const { comparison } = state;
  if (!comparison?.left) return [];
  const [longitude, latitude] = state.park!.origin;
  const tileset = { modelMatrix: originHeight ? matrixOf(longitude, latitude, originHeight) : undefined };
  const drawing = tilesetDrawing(context, "versions/left");
  const rules = leftRules(state);
  return [
    new ParkTileset({
      id: `versions/left/${comparison.left}`,
      data: comparison.left,
      ...drawing,
      look: { ...drawing.look, shadows: "none" },
      rules,
      styleKey: rules.key,
      pickable: false,
      getPolygonOffset: TRUE_DEPTH,
      loader: materials.tilesLoader,
      loadOptions: { tileset: definedOnly(tileset) },
      onLost: materials.onLost,
    } as never),
  ];
}

/** What every tileset of ours is told: where its zero is, and how many tiles to ask for at once. */
function tilesetOptions({ state, originHeight }: LayerContext): object {
  const [longitude, latitude] = state.park!.origin;
  return definedOnly({ maxRequests: MOST_REQUESTS, modelMatrix: originHeight ? matrixOf(longitude, latitude, originHeight) : undefined });
}

function definedOnly<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

let lastMatrix: { key: string; matrix: Matrix4 } | null = null;

function matrixOf(longitude: number, latitude: number, height: number): Matrix4 {
  const key = `${longitude}/${latitude}/${height}`;
  if (lastMatrix?.key !== key) lastMatrix = { key, matrix: new Matrix4(lowering(longitude, latitude, height)) };
  return lastMatrix.matrix;
}

/** What else the scene holds is drawn as the server says it. */
function others(context: LayerContext, materials: Materials): Layer[] {
  return materials.parts
    .filter((part) => part.kind === "other")
    .map((part) => part.layer.clone({ visible: !context.state.hidden.has(part.id) } as never));
}
