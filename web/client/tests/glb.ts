/** Builds small glbs by hand, so that what is read back is known. */

type Json = Record<string, unknown>;

export class GlbBuilder {
  private bytes: number[] = [];
  readonly views: Json[] = [];
  readonly accessors: Json[] = [];

  view(data: ArrayBufferView, extra: Json = {}): number {
    while (this.bytes.length % 8) this.bytes.push(0);
    this.views.push({ buffer: 0, byteOffset: this.bytes.length, byteLength: data.byteLength, ...extra });
    this.bytes.push(...new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return this.views.length - 1;
  }

  accessor(data: ArrayBufferView, type: string, componentType: number, count: number, extra: Json = {}, view: Json = {}): number {
    this.accessors.push({ bufferView: this.view(data, view), type, componentType, count, ...extra });
    return this.accessors.length - 1;
  }

  strings(values: string[]): { values: number; stringOffsets: number } {
    const encoded = values.map((value) => new TextEncoder().encode(value));
    const offsets = new Uint32Array(values.length + 1);
    encoded.forEach((bytes, i) => (offsets[i + 1] = offsets[i]! + bytes.length));
    const all = new Uint8Array(offsets[values.length]!);
    encoded.forEach((bytes, i) => all.set(bytes, offsets[i]));
    return { values: this.view(all), stringOffsets: this.view(offsets) };
  }

  finish(document: Json): ArrayBuffer {
    const json = new TextEncoder().encode(JSON.stringify({ asset: { version: "2.0" }, accessors: this.accessors, bufferViews: this.views, ...document }));
    const jsonLength = Math.ceil((json.length + 20) / 8) * 8 - 20;
    const out = new ArrayBuffer(20 + jsonLength + 8 + this.bytes.length);
    const view = new DataView(out);
    view.setUint32(0, 0x46546c67, true);
    view.setUint32(4, 2, true);
    view.setUint32(8, out.byteLength, true);
    view.setUint32(12, jsonLength, true);
    view.setUint32(16, 0x4e4f534a, true);
    const text = new Uint8Array(out, 20, jsonLength).fill(0x20);
    text.set(json);
    view.setUint32(20 + jsonLength, this.bytes.length, true);
    view.setUint32(24 + jsonLength, 0x004e4942, true);
    new Uint8Array(out, 28 + jsonLength).set(this.bytes);
    return out;
  }
}
