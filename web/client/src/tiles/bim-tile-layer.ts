/** One tile: a merged mesh drawn in one call, whose elements are picked, hidden, ghosted and coloured one by one. */
import {
  type DefaultProps,
  type GetPickingInfoParams,
  Layer,
  type LayerProps,
  type PickingInfo,
  type UpdateParameters,
  type Viewport,
  picking,
  project32,
} from "@deck.gl/core";
import type { Model } from "@luma.gl/engine";
import { Matrix4 } from "@math.gl/core";

import { TRUE_DEPTH } from "../layers/context";
import { type Ball, KEEPS_ALL, ballOf, capSquare, inTile, shownPlanes } from "../section/cut";
import type { Vector } from "../section/section";
import { type StateRules, encodeStates } from "./feature-state";
import type { TileContent } from "./loader";
import { CUT_PLANES, type TileUniforms, faceFragment, faceVertex, parkTile } from "./shaders";
import { type Row, rowAt } from "./table";
import { type PassName, TilePasses, alive } from "./tile-passes";

/** The colours of the drawing, and what of it is drawn. */
export interface TileLook extends Pick<TileUniforms, "roof" | "wall" | "edge" | "shadow" | "sun" | "cutFill" | "cutLine" | "paint" | "ghostAlpha" | "ambient"> {
  /** Where shadows fall: at the foot of each element, on the ground under the tile, or nowhere. */
  shadows: "feet" | "ground" | "none";
  edges: boolean;
  /** How large a pixel may be before edges fade. [m] */
  edgePixel: number;
}

export interface BimTileLayerProps extends LayerProps {
  content: TileContent;
  look: TileLook;
  /** Height of this tile's own origin in the scene. [m] */
  originHeight?: number;
  /** Height of the ground under this tile in the scene. [m] */
  groundHeight?: number;
  /** deck.gl's metres east and north at the origin, of true ones. */
  metres?: [number, number];
  /** What stays of the tile: `xyz · p <= w` in its own metres. */
  planes?: number[][];
  rules?: StateRules | null;
  /** Changes whenever `rules` answer differently. */
  styleKey?: string;
  tile?: unknown;
  onFirstDraw?: () => void;
}

/** What a pick on a tile says. */
export interface TilePick extends PickingInfo {
  row?: Row | null;
}

interface TileState {
  passes: TilePasses | null;
  states: Uint8Array | undefined;
  hasGhosts: boolean;
  isDrawn: boolean;
  place: { ball: Ball; inverse: Matrix4 } | null;
}

const SOLID = { depthWriteEnabled: true, depthCompare: "less-equal", cullMode: "none" } as const;
const CLEAR = { depthWriteEnabled: false, depthCompare: "less-equal", cullMode: "none" } as const;
const KEEP_STENCIL = { stencilFailOperation: "keep", stencilDepthFailOperation: "keep" } as const;
const SHADOW = { ...CLEAR, ...KEEP_STENCIL, stencilCompare: "equal", stencilPassOperation: "increment-clamp", stencilWriteMask: 1 } as const;
// luma.gl takes "always" for no stencil at all; 0, its reference, is less than or equal to anything
const COUNT = { ...KEEP_STENCIL, depthWriteEnabled: false, depthCompare: "always", stencilCompare: "less-equal", stencilWriteMask: 255 } as const;
const COUNT_BACK = { ...COUNT, cullMode: "front", stencilPassOperation: "increment-wrap" } as const;
const COUNT_FRONT = { ...COUNT, cullMode: "back", stencilPassOperation: "decrement-wrap" } as const;
const CAP = { ...SOLID, ...KEEP_STENCIL, stencilCompare: "not-equal", stencilPassOperation: "keep", stencilWriteMask: 255 } as const;

const defaultProps: DefaultProps<BimTileLayerProps> = {
  content: { type: "object", value: null as never },
  look: { type: "object", value: null as never, compare: 1 },
  originHeight: 0,
  groundHeight: 0,
  metres: { type: "array", value: [1, 1], compare: true },
  planes: { type: "array", value: [], compare: 2 as never },
  rules: { type: "object", value: null as never, optional: true, ignore: true },
  styleKey: "",
  getPolygonOffset: { type: "function", value: TRUE_DEPTH },
  onFirstDraw: { type: "function", value: () => undefined, ignore: true },
};

export class BimTileLayer extends Layer<BimTileLayerProps> {
  static override layerName = "BimTileLayer";
  static override defaultProps = defaultProps as never;
  declare state: TileState & Layer["state"];

  override getShaders(): ReturnType<Layer["getShaders"]> {
    return super.getShaders({ vs: faceVertex, fs: faceFragment, modules: [project32, picking, parkTile] });
  }

  override initializeState(): void {
    this.getAttributeManager()?.remove(["instancePickingColors"]);
    this.setState({ passes: null, states: undefined, hasGhosts: false, isDrawn: false, place: null });
  }

  override getNumInstances(): number {
    return 1;
  }

  override updateState(params: UpdateParameters<this>): void {
    super.updateState(params);
    const { props, oldProps, changeFlags } = params;
    if (props.content !== oldProps.content || changeFlags.extensionsChanged) this.build();
    else if (props.styleKey !== oldProps.styleKey) this.style();
    if (props.content !== oldProps.content || props.modelMatrix !== oldProps.modelMatrix) this.setState({ place: null });
    this.state.passes?.prepare(this.wanted());
  }

  private build(): void {
    this.state.passes?.destroy();
    const { id, content } = this.props;
    const passes = new TilePasses(this.context.device, id, content.mesh, this.getShaders() as Record<string, unknown>);
    this.setState({ passes, states: undefined });
    this.style();
  }

  private style(): void {
    const began = performance.now();
    const { content, rules } = this.props;
    const { data, hasGhosts, isChanged } = encodeStates(content.table, content.mesh.features, rules ?? null, this.state.states);
    if (isChanged) this.state.passes?.write(data);
    this.setState({ states: data, hasGhosts });
    alive.stateMs += performance.now() - began;
    if (isChanged) this.setNeedsRedraw();
  }

  /** The passes that this look may draw. */
  private wanted(): PassName[] {
    const { look, planes, content } = this.props;
    const names: PassName[] = ["faces"];
    if (look.shadows !== "none") names.push("shadow");
    if (look.edges) names.push("edges");
    if (this.state.hasGhosts || content.mesh.hasGlass) names.push("ghosts");
    if (planes?.length) names.push("countBack", "countFront", "cap");
    return names;
  }

  override getPickingInfo({ info }: GetPickingInfoParams): TilePick {
    const pick = info as TilePick;
    if (info.index >= 0) pick.row = rowAt(this.props.content.table, info.index);
    return pick;
  }

  override draw({ shaderModuleProps }: { shaderModuleProps?: { picking?: { isActive?: boolean } } }): void {
    const { passes, hasGhosts } = this.state;
    if (!passes) return;
    const { look, content } = this.props;
    const isPicking = Boolean(shaderModuleProps?.picking?.isActive);
    const uniforms = this.uniforms();
    const { renderPass } = this.context;
    passes.draw("faces", uniforms, renderPass, isPicking ? null : SOLID);
    if (!isPicking) {
      this.drawCaps(passes, uniforms);
      if (look.shadows !== "none") passes.draw("shadow", uniforms, renderPass, SHADOW);
      if (look.edges) passes.draw("edges", uniforms, renderPass, CLEAR);
      if (hasGhosts || content.mesh.hasGlass) passes.draw("ghosts", { ...uniforms, ghostPass: 1 }, renderPass, CLEAR);
    }
    if (!this.state.isDrawn) {
      this.state.isDrawn = true;
      this.props.onFirstDraw?.();
    }
  }

  private uniforms(): TileUniforms {
    const { look, originHeight = 0, groundHeight = 0, planes = [] } = this.props;
    const { shadows, edges: _edges, edgePixel, ...paint } = look;
    const cuts = Object.fromEntries(Array.from({ length: CUT_PLANES }, (_, i) => [`cut${i}`, planes[i] ?? KEEPS_ALL]));
    const { projectionMatrix } = this.context.viewport;
    const isPerspective = projectionMatrix[15] === 0;
    return {
      ...paint,
      ...(cuts as Record<`cut${0 | 1 | 2 | 3 | 4 | 5 | 6}`, number[]>),
      groundHeight: groundHeight - originHeight,
      ghostPass: 0,
      onFeet: shadows === "feet" ? 1 : 0,
      edgeDetail: edgePixel / pixelAtUnitDistance(this.context.viewport),
      isCut: planes.length ? 1 : 0,
      eye: [...(planes.length ? this.eye() : [0, 0, 0]), 1],
      capPlane: 0,
      capMiddle: KEEPS_ALL,
      capAcross: KEEPS_ALL,
      capAlong: KEEPS_ALL,
      depthScale: -projectionMatrix[10]!,
      depthShift: isPerspective ? projectionMatrix[14]! : 0,
    };
  }

  /** Fills the faces of a cut: bodies are counted in the stencil along each ray, and the plane is drawn where it lies in one. */
  private drawCaps(passes: TilePasses, uniforms: TileUniforms): void {
    const { planes = [], modelMatrix } = this.props;
    if (!planes.length || !modelMatrix) return;
    const { ball, inverse } = this.place(new Matrix4(modelMatrix as never));
    const { renderPass, device } = this.context;
    const { gl } = device as unknown as { gl: WebGL2RenderingContext };
    for (const index of shownPlanes(planes, ball, [uniforms.eye[0]!, uniforms.eye[1]!, uniforms.eye[2]!])) {
      const [capMiddle, capAcross, capAlong] = capSquare(planes[index]!, ball, inverse);
      const own: TileUniforms = { ...uniforms, capPlane: index, capMiddle, capAcross, capAlong };
      gl.stencilMask(255);
      gl.clear(gl.STENCIL_BUFFER_BIT);
      passes.draw("countBack", own, renderPass, COUNT_BACK);
      passes.draw("countFront", own, renderPass, COUNT_FRONT);
      passes.draw("cap", own, renderPass, CAP);
    }
  }

  private place(matrix: Matrix4): { ball: Ball; inverse: Matrix4 } {
    const known = this.state.place;
    if (known) return known;
    const place = { ball: ballOf(this.props.content.mesh.bounds, matrix), inverse: new Matrix4(matrix).invert() };
    this.setState({ place });
    return place;
  }

  /** Where the eye is in this tile's metres. */
  private eye(): Vector {
    const { viewport } = this.context;
    const { coordinateOrigin, metres = [1, 1] } = this.props;
    const { cameraPosition } = viewport as Viewport & { cameraPosition: number[] };
    return inTile(viewport.unprojectPosition(cameraPosition), coordinateOrigin as number[], metres);
  }

  override getModels(): Model[] {
    return this.state.passes?.made() ?? [];
  }

  override finalizeState(context: Parameters<Layer["finalizeState"]>[0]): void {
    super.finalizeState(context);
    this.state.passes?.destroy();
  }
}

/** Metres that a pixel covers where gl_Position.w is 1: a map view counts it in view heights, its target lying 1.5 away. */
function pixelAtUnitDistance(viewport: Viewport): number {
  const { metersPerPixel, altitude } = viewport as Viewport & { metersPerPixel?: number; altitude?: number };
  return altitude && metersPerPixel ? metersPerPixel / altitude : 1.3 / viewport.height;
}
