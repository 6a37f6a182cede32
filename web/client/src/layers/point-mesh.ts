/** The points of one tile: round, as large as they are far apart, in their own colours, by class or by height. */
import { type DefaultProps, Layer, type LayerProps, type UpdateParameters, picking, project32 } from "@deck.gl/core";
import type { Buffer } from "@luma.gl/core";
import { Model } from "@luma.gl/engine";

import { viridis } from "../map/palette";
import type { PlainMesh } from "../tiles/points-glb";
import { TRUE_DEPTH } from "./context";

export type CloudColor = "own" | "class" | "height";
const MODES: Record<CloudColor, number> = { own: 0, class: 1, height: 2 };

export interface PointMeshProps extends LayerProps {
  content: PlainMesh;
  colorBy: CloudColor;
  /** How large a point is. [m] */
  spacing: number;
  /** How large it is at least on the screen. [px] */
  leastPx: number;
  /** Lowest and highest point about the layer's origin. [m] */
  heights: [number, number];
  tile?: unknown;
  onFirstDraw?: () => void;
}

/** Colours of the classes of LAS 1.4 R15, table 17: ground, low to high vegetation, building, water, rail, road, wires, bridge. */
const CLASSES: Record<number, [number, number, number]> = {
  2: [158, 124, 88], 3: [154, 196, 120], 4: [104, 168, 88], 5: [52, 128, 68], 6: [214, 116, 84], 9: [72, 140, 208], 10: [120, 112, 132],
  11: [112, 118, 126], 13: [230, 190, 60], 14: [230, 190, 60], 15: [196, 150, 40], 16: [230, 190, 60], 17: [148, 108, 160],
}; // prettier-ignore
const UNCLASSED: [number, number, number] = [150, 160, 172];
const GREATEST_PX = 26;

const vec3 = (color: readonly number[]): string => `vec3(${color.map((value) => (value / 255).toFixed(4)).join(", ")})`;
const ramp = Array.from({ length: 9 }, (_, i) => vec3(viridis(i / 8))).join(", ");
const classes = Array.from({ length: 18 }, (_, i) => vec3(CLASSES[i] ?? UNCLASSED)).join(", ");

const block = /* glsl */ `\
layout(std140) uniform pointMeshUniforms {
  float mode;
  float spacing;
  float leastPx;
  float low;
  float high;
} pointMesh;
`;
const pointMesh = {
  name: "pointMesh",
  vs: block,
  fs: block,
  uniformTypes: { mode: "f32", spacing: "f32", leastPx: "f32", low: "f32", high: "f32" },
} as const;

const vertex = /* glsl */ `#version 300 es
in vec3 positions;
in vec4 colors;
in vec4 classes;
out vec4 vColor;
const vec3 RAMP[9] = vec3[9](${ramp});
const vec3 CLASSES[18] = vec3[18](${classes});
vec3 byHeight(float z) {
  float at = clamp((z - pointMesh.low) / max(pointMesh.high - pointMesh.low, 0.01), 0.0, 1.0) * 8.0;
  int i = min(7, int(at));
  return mix(RAMP[i], RAMP[i + 1], at - float(i));
}
void main(void) {
  geometry.pickingColor = picking_getPickingColorFromIndex(0.0);
  vec4 common_position = vec4(project_position(positions), 1.0);
  geometry.position = common_position;
  geometry.worldPosition = positions;
  gl_Position = project_common_position_to_clipspace(common_position);
  float z = (project.modelMatrix * vec4(positions, 1.0)).z;
  int number = clamp(int(classes.x * 255.0 + 0.5), 0, 17);
  vec3 color = pointMesh.mode < 0.5 ? colors.rgb : (pointMesh.mode < 1.5 ? CLASSES[number] : byHeight(z));
  vColor = vec4(color, 1.0);
  float pixels = project_size_to_pixel(pointMesh.spacing) * project.focalDistance / max(gl_Position.w, 1e-4);
  gl_PointSize = clamp(pixels, pointMesh.leastPx, ${GREATEST_PX.toFixed(1)}) * project.devicePixelRatio;
  DECKGL_FILTER_GL_POSITION(gl_Position, geometry);
  DECKGL_FILTER_COLOR(vColor, geometry);
}
`;

const fragment = /* glsl */ `#version 300 es
precision highp float;
in vec4 vColor;
out vec4 fragColor;
void main(void) {
  vec2 off = gl_PointCoord - 0.5;
  if (dot(off, off) > 0.25) discard;
  fragColor = vec4(vColor.rgb, vColor.a * layer.opacity);
  DECKGL_FILTER_COLOR(fragColor, geometry);
  if (picking.isActive > 0.5 && picking.isAttribute > 0.5) fragColor = vec4(gl_FragCoord.z * 2.0 - 1.0, 0.0, 0.0, 1.0);
}
`;

const defaultProps: DefaultProps<PointMeshProps> = {
  content: { type: "object", value: null as never },
  colorBy: "own",
  spacing: 0.5,
  leastPx: 2,
  heights: { type: "array", value: [0, 1] as never, compare: 1 as never },
  getPolygonOffset: { type: "function", value: TRUE_DEPTH },
  onFirstDraw: { type: "function", value: () => undefined, ignore: true },
};

export class PointMeshLayer extends Layer<PointMeshProps> {
  static override layerName = "PointMeshLayer";
  static override defaultProps = defaultProps as never;
  declare state: { model: Model | null; buffers: Buffer[]; isDrawn: boolean } & Layer["state"];

  override getShaders(): ReturnType<Layer["getShaders"]> {
    return super.getShaders({ vs: vertex, fs: fragment, modules: [project32, picking, pointMesh] });
  }

  override initializeState(): void {
    this.getAttributeManager()?.remove(["instancePickingColors"]);
    this.setState({ model: null, buffers: [], isDrawn: false });
  }

  override getNumInstances(): number {
    return 1;
  }

  override updateState(params: UpdateParameters<this>): void {
    super.updateState(params);
    if (params.props.content !== params.oldProps.content || params.changeFlags.extensionsChanged) this.build();
  }

  private build(): void {
    this.release();
    const { device } = this.context;
    const { POSITION, COLOR_0, _CLASSIFICATION } = this.props.content.attributes;
    if (!POSITION) return;
    const nothing = (): Uint8Array => new Uint8Array(4 * POSITION.count);
    const attributes = {
      positions: device.createBuffer({ data: POSITION.data }),
      colors: device.createBuffer({ data: COLOR_0?.data ?? nothing().fill(200) }),
      classes: device.createBuffer({ data: _CLASSIFICATION?.data ?? nothing() }),
    };
    const model = new Model(device, {
      ...this.getShaders(),
      id: this.props.id,
      topology: "point-list",
      bufferLayout: [
        { name: "positions", format: POSITION.format },
        { name: "colors", format: "unorm8x4" },
        { name: "classes", format: "unorm8x4" },
      ],
      attributes,
      vertexCount: POSITION.count,
      isInstanced: false,
    });
    this.setState({ model, buffers: Object.values(attributes) });
  }

  override draw(): void {
    const { model } = this.state;
    if (!model) return;
    const { colorBy, spacing, leastPx, heights } = this.props;
    model.shaderInputs.setProps({ pointMesh: { mode: MODES[colorBy], spacing, leastPx, low: heights[0], high: heights[1] } });
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
    this.state.model?.destroy();
    for (const buffer of this.state.buffers ?? []) buffer.destroy();
  }
}
