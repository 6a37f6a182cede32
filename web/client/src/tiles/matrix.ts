/** Column-major 4×4 matrices in doubles, as glTF and 3D Tiles write them. */
export type Matrix = number[];

export interface NodeTransform {
  matrix?: number[];
  translation?: number[];
  rotation?: number[];
  scale?: number[];
}

export function identity(): Matrix {
  return [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
}

export function multiply(a: Matrix, b: Matrix): Matrix {
  const out = new Array<number>(16);
  for (let column = 0; column < 4; column++) {
    for (let row = 0; row < 4; row++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) sum += a[k * 4 + row]! * b[column * 4 + k]!;
      out[column * 4 + row] = sum;
    }
  }
  return out;
}

export function nodeMatrix(node: NodeTransform): Matrix {
  if (node.matrix) return node.matrix;
  const [x = 0, y = 0, z = 0, w = 1] = node.rotation ?? [];
  const [sx = 1, sy = 1, sz = 1] = node.scale ?? [];
  const [tx = 0, ty = 0, tz = 0] = node.translation ?? [];
  // prettier-ignore
  return [
    (1 - 2 * (y * y + z * z)) * sx, 2 * (x * y + z * w) * sx, 2 * (x * z - y * w) * sx, 0,
    2 * (x * y - z * w) * sy, (1 - 2 * (x * x + z * z)) * sy, 2 * (y * z + x * w) * sy, 0,
    2 * (x * z + y * w) * sz, 2 * (y * z - x * w) * sz, (1 - 2 * (x * x + y * y)) * sz, 0,
    tx, ty, tz, 1,
  ];
}

export function transformPoint(m: Matrix, x: number, y: number, z: number, out: Float32Array, offset: number): void {
  out[offset] = m[0]! * x + m[4]! * y + m[8]! * z + m[12]!;
  out[offset + 1] = m[1]! * x + m[5]! * y + m[9]! * z + m[13]!;
  out[offset + 2] = m[2]! * x + m[6]! * y + m[10]! * z + m[14]!;
}

export function transformDirection(m: Matrix, x: number, y: number, z: number, out: Float32Array): void {
  out[0] = m[0]! * x + m[4]! * y + m[8]! * z;
  out[1] = m[1]! * x + m[5]! * y + m[9]! * z;
  out[2] = m[2]! * x + m[6]! * y + m[10]! * z;
}

/** Of the rotation and scale: negative where the matrix mirrors. */
export function determinant(m: Matrix): number {
  return (
    m[0]! * (m[5]! * m[10]! - m[9]! * m[6]!) - m[4]! * (m[1]! * m[10]! - m[9]! * m[2]!) + m[8]! * (m[1]! * m[6]! - m[5]! * m[2]!)
  );
}
