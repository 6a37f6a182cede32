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
import type { Buffer, RenderPipelineParameters, Texture } from "@luma.gl/core";
import { Model } from "@luma.gl/engine";

import { type FeatureStyle, encodeStates, stateHeight } from "./feature-state";
import type { Row, TileContent } from "./loader";
import { TRUE_DEPTH } from "../layers/context";
import {
  STATE_WIDTH,
  type TileUniforms,
  edgeFragment,
  edgeVertex,
  faceFragment,
  faceVertex,
  parkTile,
  shadowFragment,
  shadowVertex,
} from "./shaders";

export interface TileLook extends Omit<TileUniforms, "clipHeight" | "groundHeight" | "ghostPass" | "onFeet" | "edgeDetail"> {
  /** Height above which nothing is drawn. [m, scene] */
  clipHeight: number | null;
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
  featureStyle?: FeatureStyle | null;
  /** Changes whenever `featureStyle` answers differently. */
  styleKey?: string;
  tile?: unknown;
  onFirstDraw?: () => void;
}

/** What a pick on a tile says. */
export interface TilePick extends PickingInfo {
  row?: Row | null;
}

type Passes = { faces: Model; ghosts: Model | null; edges: Model | null; shadow: Model | null };
interface TileState {
  passes: Passes | null;
  buffers: Buffer[];
  texture: Texture | null;
  hasGhosts: boolean;
  isDrawn: boolean;
}

const NO_CLIP = 1e6;
const LAYOUT = [
  { name: "positions", format: "float32x3" },
  { name: "normals", format: "snorm8x4" },
  { name: "colors", format: "unorm8x4" },
  { name: "featureIds", format: "float32" },
  { name: "feet", format: "float32" },
] as const;

const SOLID = { depthWriteEnabled: true, depthCompare: "less-equal", cullMode: "none" } as const;
const CLEAR = { depthWriteEnabled: false, depthCompare: "less-equal", cullMode: "none" } as const;
const SHADOW = {
  ...CLEAR,
  stencilCompare: "equal",
  stencilPassOperation: "increment-clamp",
  stencilFailOperation: "keep",
  stencilDepthFailOperation: "keep",
  stencilWriteMask: 1,
} as const;

const defaultProps: DefaultProps<BimTileLayerProps> = {
  content: { type: "object", value: null as never },
  look: { type: "object", value: null as never, compare: 1 },
  originHeight: 0,
  groundHeight: 0,
  featureStyle: { type: "function", value: null as never, optional: true, ignore: true },
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
    this.setState({ passes: null, buffers: [], texture: null, hasGhosts: false, isDrawn: false });
  }

  override getNumInstances(): number {
    return 1;
  }

  override updateState(params: UpdateParameters<this>): void {
    super.updateState(params);
    const { props, oldProps, changeFlags } = params;
    if (props.content !== oldProps.content || changeFlags.extensionsChanged) this.build();
    else if (props.styleKey !== oldProps.styleKey) this.style();
  }

  private build(): void {
    this.release();
    const { device } = this.context;
    const { mesh } = this.props.content;
    const vertex = (data: Float32Array | Int8Array | Uint8Array): Buffer => device.createBuffer({ data });
    const attributes = {
      positions: vertex(mesh.positions),
      normals: vertex(mesh.normals),
      colors: vertex(mesh.colors),
      featureIds: vertex(mesh.featureIds),
      feet: vertex(mesh.feet),
    };
    const faces = device.createBuffer({ usage: 16, data: mesh.indices, indexType: "uint32" });
    const edges = mesh.edges.length ? device.createBuffer({ usage: 16, data: mesh.edges, indexType: "uint32" }) : null;
    const texture = device.createTexture({
      format: "rgba8unorm",
      width: STATE_WIDTH,
      height: stateHeight(mesh.features),
      sampler: { minFilter: "nearest", magFilter: "nearest" },
    });
    const model = (name: string, indexBuffer: Buffer, count: number, extra: Record<string, unknown>): Model =>
      new Model(device, {
        ...this.getShaders(),
        id: `${this.props.id}-${name}`,
        bufferLayout: [...LAYOUT],
        attributes,
        indexBuffer,
        vertexCount: count,
        isInstanced: false,
        bindings: { featureState: texture },
        ...extra,
      });
    const shadow = this.getShaders() as Record<string, unknown>;
    const passes: Passes = {
      faces: model("faces", faces, mesh.indices.length, {}),
      ghosts: model("ghosts", faces, mesh.indices.length, {}),
      edges: edges && model("edges", edges, mesh.edges.length, { ...shadow, vs: edgeVertex, fs: edgeFragment, topology: "line-list" }),
      shadow: model("shadow", faces, mesh.indices.length, { ...shadow, vs: shadowVertex, fs: shadowFragment }),
    };
    const buffers = [...Object.values(attributes), faces, ...(edges ? [edges] : [])];
    this.setState({ passes, buffers, texture });
    this.style();
  }

  private style(): void {
    const { content, featureStyle } = this.props;
    const { data, height, hasGhosts } = encodeStates(content.rows, content.mesh.features, featureStyle ?? null);
    this.state.texture?.copyImageData({ data, width: STATE_WIDTH, height });
    this.setState({ hasGhosts });
    this.setNeedsRedraw();
  }

  override getPickingInfo({ info }: GetPickingInfoParams): TilePick {
    const pick = info as TilePick;
    if (info.index >= 0) pick.row = this.props.content.rows[info.index] ?? null;
    return pick;
  }

  override draw({ shaderModuleProps }: { shaderModuleProps?: { picking?: { isActive?: boolean } } }): void {
    const { passes, hasGhosts } = this.state;
    if (!passes) return;
    const { look, originHeight = 0, groundHeight = 0 } = this.props;
    const { shadows, edges, clipHeight, edgePixel, ...paint } = look;
    const isPicking = Boolean(shaderModuleProps?.picking?.isActive);
    const uniforms: TileUniforms = {
      ...paint,
      clipHeight: clipHeight === null ? NO_CLIP : clipHeight - originHeight,
      groundHeight: groundHeight - originHeight,
      ghostPass: 0,
      onFeet: shadows === "feet" ? 1 : 0,
      edgeDetail: edgePixel / pixelAtUnitDistance(this.context.viewport),
    };
    this.pass(passes.faces, uniforms, isPicking ? null : SOLID);
    if (!isPicking) {
      if (shadows !== "none") this.pass(passes.shadow, uniforms, SHADOW);
      if (edges) this.pass(passes.edges, uniforms, CLEAR);
      if (hasGhosts || this.props.content.mesh.hasGlass) this.pass(passes.ghosts, { ...uniforms, ghostPass: 1 }, CLEAR);
    }
    if (!this.state.isDrawn) {
      this.state.isDrawn = true;
      this.props.onFirstDraw?.();
    }
  }

  /** deck.gl gives all models the layer's own parameters before it draws, so a pass with others sets them here. */
  private pass(model: Model | null, uniforms: TileUniforms, parameters: RenderPipelineParameters | null): void {
    if (!model) return;
    if (parameters) model.setParameters(parameters);
    model.shaderInputs.setProps({ parkTile: { ...uniforms } });
    model.draw(this.context.renderPass);
  }

  override getModels(): Model[] {
    const { passes } = this.state;
    return passes ? [passes.faces, passes.ghosts, passes.edges, passes.shadow].filter((model): model is Model => model !== null) : [];
  }

  override finalizeState(context: Parameters<Layer["finalizeState"]>[0]): void {
    super.finalizeState(context);
    this.release();
  }

  private release(): void {
    const { passes, buffers, texture } = this.state;
    for (const model of Object.values(passes ?? {}) as (Model | null)[]) model?.destroy();
    for (const buffer of buffers ?? []) buffer.destroy();
    texture?.destroy();
  }
}

/** Metres that a pixel covers where gl_Position.w is 1: a map view counts it in view heights, its target lying 1.5 away. */
function pixelAtUnitDistance(viewport: Viewport): number {
  const { metersPerPixel, altitude } = viewport as Viewport & { metersPerPixel?: number; altitude?: number };
  return altitude && metersPerPixel ? metersPerPixel / altitude : 1.3 / viewport.height;
}
