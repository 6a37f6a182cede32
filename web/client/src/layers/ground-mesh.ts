/** A piece of ground: one mesh in one colour, lightly shaded by its slope, with a hole where a basement is opened. */
import { type DefaultProps, Layer, type LayerProps, type UpdateParameters, picking, project32 } from "@deck.gl/core";
import type { Buffer, Texture } from "@luma.gl/core";
import { Model } from "@luma.gl/engine";

import { SUN } from "../map/lighting";
import type { PlainAttribute } from "../tiles/points-glb";
import { TRUE_DEPTH } from "./context";

export interface GroundMesh {
  positions: PlainAttribute;
  normals: PlainAttribute;
  indices: Uint16Array | Uint32Array;
}
export interface GroundMeshProps extends LayerProps {
  mesh: GroundMesh;
  color: number[];
  /** How much of the sun's shading is seen, 0 to 1; level ground keeps its colour. */
  relief?: number;
  /** Edges (n, 4) of what is taken away, in deck.gl's metres about the layer's origin. */
  hole?: Float32Array;
  tile?: unknown;
  onFirstDraw?: () => void;
}

const block = /* glsl */ `\
layout(std140) uniform groundMeshUniforms {
  vec4 color;
  vec4 sun;
  float relief;
  float edges;
} groundMesh;
`;
const groundMesh = { name: "groundMesh", vs: block, fs: block, uniformTypes: { color: "vec4<f32>", sun: "vec4<f32>", relief: "f32", edges: "f32" } } as const;

const vertex = /* glsl */ `#version 300 es
in vec3 positions;
in vec4 normals;
out vec3 vNormal;
out vec2 vPlace;
void main(void) {
  geometry.pickingColor = picking_getPickingColorFromIndex(0.0);
  vec4 common_position = vec4(project_position(positions), 1.0);
  geometry.position = common_position;
  geometry.worldPosition = positions;
  vNormal = project_normal(normals.xyz);
  vPlace = (project.modelMatrix * vec4(positions, 1.0)).xy;
  gl_Position = project_common_position_to_clipspace(common_position);
  DECKGL_FILTER_GL_POSITION(gl_Position, geometry);
  vec4 unused = vec4(0.0);
  DECKGL_FILTER_COLOR(unused, geometry);
}
`;

const fragment = /* glsl */ `#version 300 es
precision highp float;
uniform sampler2D hole;
in vec3 vNormal;
in vec2 vPlace;
out vec4 fragColor;
bool isTaken() {
  bool inside = false;
  int count = int(groundMesh.edges + 0.5);
  for (int i = 0; i < count; i++) {
    vec4 edge = texelFetch(hole, ivec2(i, 0), 0);
    if ((edge.y > vPlace.y) != (edge.w > vPlace.y) && vPlace.x < edge.x + (vPlace.y - edge.y) / (edge.w - edge.y) * (edge.z - edge.x)) inside = !inside;
  }
  return inside;
}
void main(void) {
  if (isTaken()) discard;
  float slope = clamp(dot(normalize(vNormal), groundMesh.sun.xyz) / groundMesh.sun.z, 0.35, 1.3);
  fragColor = vec4(groundMesh.color.rgb * mix(1.0, slope, groundMesh.relief), groundMesh.color.a * layer.opacity);
  DECKGL_FILTER_COLOR(fragColor, geometry);
  if (picking.isActive > 0.5 && picking.isAttribute > 0.5) fragColor = vec4(gl_FragCoord.z * 2.0 - 1.0, 0.0, 0.0, 1.0);
}
`;

const MOST_EDGES = 2048;
const NO_HOLE = new Float32Array();
const defaultProps: DefaultProps<GroundMeshProps> = {
  mesh: { type: "object", value: null as never },
  color: { type: "color", value: [255, 255, 255, 255] },
  relief: 0,
  hole: { type: "object", value: NO_HOLE },
  getPolygonOffset: { type: "function", value: TRUE_DEPTH },
  onFirstDraw: { type: "function", value: () => undefined, ignore: true },
};

export class GroundMeshLayer extends Layer<GroundMeshProps> {
  static override layerName = "GroundMeshLayer";
  static override defaultProps = defaultProps as never;
  declare state: { model: Model | null; buffers: Buffer[]; texture: Texture | null; isDrawn: boolean } & Layer["state"];

  override getShaders(): ReturnType<Layer["getShaders"]> {
    return super.getShaders({ vs: vertex, fs: fragment, modules: [project32, picking, groundMesh] });
  }

  override initializeState(): void {
    this.getAttributeManager()?.remove(["instancePickingColors"]);
    this.setState({ model: null, buffers: [], texture: null, isDrawn: false });
  }

  override getNumInstances(): number {
    return 1;
  }

  override updateState(params: UpdateParameters<this>): void {
    super.updateState(params);
    const { props, oldProps, changeFlags } = params;
    if (props.mesh !== oldProps.mesh || changeFlags.extensionsChanged) this.build();
    else if (props.hole !== oldProps.hole) this.cut();
  }

  private build(): void {
    this.release();
    const { device } = this.context;
    const { positions, normals, indices } = this.props.mesh;
    const attributes = { positions: device.createBuffer({ data: positions.data }), normals: device.createBuffer({ data: normals.data }) };
    const index = device.createBuffer({ usage: 16, data: indices, indexType: indices instanceof Uint16Array ? "uint16" : "uint32" });
    const texture = this.holeTexture();
    const model = new Model(device, {
      ...this.getShaders(),
      id: this.props.id,
      bufferLayout: [
        { name: "positions", format: positions.format },
        { name: "normals", format: normals.format },
      ],
      attributes,
      indexBuffer: index,
      vertexCount: indices.length,
      isInstanced: false,
      bindings: { hole: texture },
    });
    this.setState({ model, buffers: [attributes.positions, attributes.normals, index], texture });
  }

  private holeTexture(): Texture {
    const { hole = NO_HOLE } = this.props;
    const count = Math.min(MOST_EDGES, hole.length / 4);
    const data = new Float32Array(4 * Math.max(1, count));
    data.set(hole.subarray(0, 4 * count));
    return this.context.device.createTexture({ format: "rgba32float", width: data.length / 4, height: 1, data, sampler: { minFilter: "nearest", magFilter: "nearest" } });
  }

  private cut(): void {
    const texture = this.holeTexture();
    this.state.model?.setBindings({ hole: texture });
    this.state.texture?.destroy();
    this.setState({ texture });
    this.setNeedsRedraw();
  }

  override draw(): void {
    const { model } = this.state;
    if (!model) return;
    const { color, relief = 0, hole = NO_HOLE } = this.props;
    const uniforms = { color: [0, 1, 2, 3].map((k) => (color[k] ?? 255) / 255), sun: [...SUN, 0], relief, edges: Math.min(MOST_EDGES, hole.length / 4) };
    model.shaderInputs.setProps({ groundMesh: uniforms });
    model.draw(this.context.renderPass);
    if (!this.state.isDrawn) {
      this.state.isDrawn = true;
      this.props.onFirstDraw?.();
    }
  }

  override getModels(): Model[] {
    return this.state.model ? [this.state.model] : [];
  }

  override finalizeState(context: Parameters<Layer["finalizeState"]>[0]): void {
    super.finalizeState(context);
    this.release();
  }

  private release(): void {
    const { model, buffers, texture } = this.state;
    model?.destroy();
    for (const buffer of buffers ?? []) buffer.destroy();
    texture?.destroy();
  }
}
