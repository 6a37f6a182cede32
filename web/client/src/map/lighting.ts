/** One sun, high in the south-west, and generous ambient light. */
import { AmbientLight, DirectionalLight, LightingEffect } from "@deck.gl/core";

/** Direction to the sun: east, north, up. */
export const SUN: [number, number, number] = normalize([-0.42, -0.5, 0.76]);

export function lighting(): LightingEffect {
  return new LightingEffect({
    ambient: new AmbientLight({ color: [255, 255, 255], intensity: 1 }),
    sun: new DirectionalLight({ color: [255, 250, 240], intensity: 0.9, direction: SUN.map((value) => -value) as [number, number, number] }),
  });
}

function normalize([x, y, z]: [number, number, number]): [number, number, number] {
  const length = Math.hypot(x, y, z);
  return [x / length, y / length, z / length];
}
