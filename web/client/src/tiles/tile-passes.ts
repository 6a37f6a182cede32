/** A tile's mesh on the graphics card, and the passes that draw it; a pass is made when it is first drawn. */
import type { Buffer, Device, RenderPass, RenderPipelineParameters, Texture } from "@luma.gl/core";
import { Model } from "@luma.gl/engine";

import { closedTriangles } from "./closed";
import { stateHeight } from "./feature-state";
import type { FlatMesh } from "./parse-glb";
import {
  STATE_WIDTH,
  type TileUniforms,
  capFragment,
  capVertex,
  countFragment,
  countVertex,
  edgeFragment,
  edgeVertex,
  shadowFragment,
  shadowVertex,
} from "./shaders";

export type PassName = "faces" | "ghosts" | "edges" | "shadow" | "countBack" | "countFront" | "cap";

const LAYOUT = [
  { name: "positions", format: "float32x3" },
  { name: "normals", format: "snorm8x4" },
  { name: "colors", format: "unorm8x4" },
  { name: "featureIds", format: "float32" },
  { name: "feet", format: "float32" },
] as const;

const PROGRAMS: Partial<Record<PassName, { vs: string; fs: string }>> = {
  edges: { vs: edgeVertex, fs: edgeFragment },
  shadow: { vs: shadowVertex, fs: shadowFragment },
  countBack: { vs: countVertex, fs: countFragment },
  countFront: { vs: countVertex, fs: countFragment },
  cap: { vs: capVertex, fs: capFragment },
};

const INDEX_USAGE = 16;
const SQUARE = new Float32Array([-1, -1, 0, 1, -1, 0, -1, 1, 0, 1, 1, 0]);

/** What is alive on the card, how often states were written and how long that took: for whoever looks after leaks and speed. [bytes, ms] */
export const alive = { tiles: 0, buffers: 0, textures: 0, models: 0, bytes: 0, written: 0, stateMs: 0 };

export class TilePasses {
  readonly texture: Texture;
  private readonly attributes: Record<string, Buffer>;
  private readonly buffers: Buffer[] = [];
  private readonly indices = new Map<string, { buffer: Buffer; count: number }>();
  private readonly models = new Map<PassName, Model | null>();
  private readonly bytes: number;

  constructor(
    private readonly device: Device,
    private readonly id: string,
    private readonly mesh: FlatMesh,
    private readonly shaders: Record<string, unknown>,
  ) {
    const { positions, normals, colors, featureIds, feet } = mesh;
    const data = { positions, normals, colors, featureIds, feet };
    this.attributes = Object.fromEntries(Object.entries(data).map(([name, values]) => [name, this.buffer({ data: values })]));
    const height = stateHeight(mesh.features);
    this.texture = device.createTexture({ format: "rgba8unorm", width: STATE_WIDTH, height, sampler: { minFilter: "nearest", magFilter: "nearest" } });
    this.bytes = STATE_WIDTH * height * 4;
    alive.tiles++;
    alive.textures++;
    alive.bytes += this.bytes;
  }

  write(data: Uint8Array): void {
    this.texture.copyImageData({ data, width: STATE_WIDTH, height: stateHeight(this.mesh.features) });
    alive.written++;
  }

  /** Draws a pass; deck.gl gives all models the layer's own parameters before it draws, so a pass with others sets them here. */
  draw(name: PassName, uniforms: TileUniforms, pass: RenderPass, parameters: RenderPipelineParameters | null): void {
    const model = this.model(name);
    if (!model) return;
    if (parameters) model.setParameters(parameters);
    model.shaderInputs.setProps({ parkTile: { ...uniforms } });
    model.draw(pass);
  }

  /** Those made so far. */
  made(): Model[] {
    return [...this.models.values()].filter((model): model is Model => model !== null);
  }

  /** Makes a pass ahead of its first drawing: deck.gl sets up the uniforms of those that are there before it draws. */
  prepare(names: readonly PassName[]): void {
    for (const name of names) this.model(name);
  }

  destroy(): void {
    for (const model of this.made()) model.destroy();
    for (const buffer of this.buffers) {
      alive.bytes -= buffer.byteLength;
      buffer.destroy();
    }
    this.texture.destroy();
    alive.tiles--;
    alive.textures--;
    alive.buffers -= this.buffers.length;
    alive.models -= this.made().length;
    alive.bytes -= this.bytes;
  }

  private buffer(props: Parameters<Device["createBuffer"]>[0]): Buffer {
    const buffer = this.device.createBuffer(props);
    this.buffers.push(buffer);
    alive.buffers++;
    alive.bytes += buffer.byteLength;
    return buffer;
  }

  private model(name: PassName): Model | null {
    const known = this.models.get(name);
    if (known !== undefined) return known;
    const made = name === "cap" ? this.cap() : this.body(name);
    this.models.set(name, made);
    if (made) alive.models++;
    return made;
  }

  private body(name: PassName): Model | null {
    const { buffer, count } = this.index(name);
    if (count === 0) return null;
    return new Model(this.device, {
      ...this.shaders,
      ...PROGRAMS[name],
      id: `${this.id}-${name}`,
      bufferLayout: [...LAYOUT],
      attributes: this.attributes,
      indexBuffer: buffer,
      vertexCount: count,
      isInstanced: false,
      bindings: { featureState: this.texture },
      ...(name === "edges" ? { topology: "line-list" } : {}),
    });
  }

  private cap(): Model {
    return new Model(this.device, {
      ...this.shaders,
      ...PROGRAMS.cap,
      id: `${this.id}-cap`,
      bufferLayout: [LAYOUT[0]],
      attributes: { positions: this.buffer({ data: SQUARE }) },
      vertexCount: 4,
      topology: "triangle-strip",
      isInstanced: false,
    });
  }

  private index(name: PassName): { buffer: Buffer; count: number } {
    const { indices, edges, featureIds, closed } = this.mesh;
    if (name === "edges") return this.indexed("edges", edges);
    const bodies = name.startsWith("count") ? closedTriangles(indices, featureIds, closed) : indices;
    return bodies === indices ? this.indexed("faces", indices) : this.indexed("closed", bodies);
  }

  private indexed(key: string, data: Uint32Array): { buffer: Buffer; count: number } {
    const known = this.indices.get(key);
    if (known) return known;
    const made = { buffer: this.buffer({ usage: INDEX_USAGE, data: data.length ? data : new Uint32Array(3), indexType: "uint32" }), count: data.length };
    this.indices.set(key, made);
    return made;
  }
}
