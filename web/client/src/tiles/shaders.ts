/**
 * The shaders of the tile layer: faces, edges and the shadow on the ground, one program for each with shared vertex code.
 *
 * Every vertex carries its element's number; a texture says what is shown of that element (see feature-state). Colours come from the
 * tile, painted over with the theme's roof and wall as far as `paint` asks, so that a park reads as one quiet model.
 */
export const STATE_WIDTH = 1024;

/** Planes a tile can be cut by: a box and the level of a storey. */
export const CUT_PLANES = 7;

const VECTORS = ["roof", "wall", "edge", "shadow", "sun", "cutFill", "cutLine", "eye", "capMiddle", "capAcross", "capAlong"] as const;
const PLANES = ["cut0", "cut1", "cut2", "cut3", "cut4", "cut5", "cut6"] as const;
const NUMBERS = [
  "paint", "groundHeight", "ghostPass", "ghostAlpha", "ambient", "onFeet", "edgeDetail", "isCut", "capPlane", "depthScale", "depthShift",
] as const; // prettier-ignore

export type TileUniforms = Record<(typeof VECTORS)[number] | (typeof PLANES)[number], number[]> & Record<(typeof NUMBERS)[number], number>;

/** luma.gl reads the block line by line: one field a line, in the order of `uniformTypes`. */
const block = /* glsl */ `\
layout(std140) uniform parkTileUniforms {
${[...VECTORS, ...PLANES].map((name) => `  vec4 ${name};`).join("\n")}
${NUMBERS.map((name) => `  float ${name};`).join("\n")}
} parkTile;
`;

export const parkTile = {
  name: "parkTile",
  vs: block,
  fs: block,
  uniformTypes: {
    ...(Object.fromEntries([...VECTORS, ...PLANES].map((name) => [name, "vec4<f32>"])) as Record<string, "vec4<f32>">),
    ...(Object.fromEntries(NUMBERS.map((name) => [name, "f32"])) as Record<string, "f32">),
  },
} as const;

/** How far a place lies beyond the nearest plane that takes it away; negative where it stays. [m] */
const cutting = /* glsl */ `
float beyond(vec3 place) {
  if (parkTile.isCut < 0.5) return -1e6;
  float most = dot(parkTile.cut0.xyz, place) - parkTile.cut0.w;
${PLANES.slice(1)
  .map((name) => `  most = max(most, dot(parkTile.${name}.xyz, place) - parkTile.${name}.w);`)
  .join("\n")}
  return most;
}
vec4 capOf(float index) {
${PLANES.slice(0, -1)
  .map((name, i) => `  if (index < ${i}.5) return parkTile.${name};`)
  .join("\n")}
  return parkTile.cut6;
}
`;

const head = /* glsl */ `#version 300 es
in vec3 positions;
in vec4 normals;
in vec4 colors;
in float featureIds;
in float feet;
uniform sampler2D featureState;
out vec4 vColor;
out vec4 vState;
out vec3 vNormal;
out vec3 vPlace;

vec4 readState() {
  int feature = int(featureIds + 0.5);
  return texelFetch(featureState, ivec2(feature % ${STATE_WIDTH}, feature / ${STATE_WIDTH}), 0);
}
// alpha: 0 hidden, (0, 0.5) recoloured by that strength, [0.5, 0.75) ghost, 1 as it is
bool isHidden(vec4 state) { return state.a == 0.0; }
bool isGhost(vec4 state) { return state.a >= 0.5 && state.a < 0.9; }
const vec4 NOWHERE = vec4(2.0, 2.0, 2.0, 1.0);
`;

export const faceVertex = /* glsl */ `${head}
void main(void) {
  vec4 state = readState();
  geometry.pickingColor = picking_getPickingColorFromIndex(float(int(featureIds + 0.5)));
  vec4 common_position = vec4(project_position(positions), 1.0);
  geometry.position = common_position;
  geometry.worldPosition = positions;
  geometry.normal = project_normal(normals.xyz);
  vNormal = geometry.normal;
  vPlace = (project.modelMatrix * vec4(positions, 1.0)).xyz;
  vState = state;
  vColor = colors;
  gl_Position = project_common_position_to_clipspace(common_position);
  bool ghost = isGhost(state);
  bool isClear = ghost || (picking.isActive < 0.5 && colors.a < 0.97);
  if (isHidden(state) || isClear != (parkTile.ghostPass > 0.5)) gl_Position = NOWHERE;
  DECKGL_FILTER_GL_POSITION(gl_Position, geometry);
  DECKGL_FILTER_COLOR(vColor, geometry);
}
`;

export const faceFragment = /* glsl */ `#version 300 es
precision highp float;
in vec4 vColor;
in vec4 vState;
in vec3 vNormal;
in vec3 vPlace;
out vec4 fragColor;
${cutting}
/** The nearest face seen from behind is the inside of a body that is cut open: the eye met it where the ray came through the cut. */
float depthOfCut() {
  float depth = gl_FragCoord.z * 2.0 - 1.0;
  if (parkTile.depthShift == 0.0) return depth;
  float enter = 0.0;
  for (int i = 0; i < ${CUT_PLANES}; i++) {
    vec4 plane = capOf(float(i));
    float before = dot(plane.xyz, parkTile.eye.xyz) - plane.w;
    float after = dot(plane.xyz, vPlace) - plane.w;
    if (before > 0.0) enter = max(enter, before / (before - after));
  }
  if (enter <= 0.0) return depth;
  float far = parkTile.depthShift / (depth - parkTile.depthScale);
  return parkTile.depthScale + parkTile.depthShift / (far * enter);
}

vec3 lit(vec3 color, vec3 normal) {
  float sky = 0.5 + 0.5 * normal.z;
  float sun = max(dot(normal, parkTile.sun.xyz), 0.0) * parkTile.sun.w;
  return color * (parkTile.ambient * mix(0.86, 1.0, sky) + sun);
}

void main(void) {
  float over = beyond(vPlace);
  if (over > 0.0) discard;
  vec3 normal = normalize(gl_FrontFacing ? vNormal : -vNormal);
  vec3 painted = mix(parkTile.wall.rgb, parkTile.roof.rgb, smoothstep(0.35, 0.75, normal.z));
  float grey = dot(vColor.rgb, vec3(0.3, 0.59, 0.11));
  vec3 color = mix(vColor.rgb, painted * mix(0.82, 1.06, grey), parkTile.paint);
  if (vState.a < 0.49) color = mix(color, vState.rgb, vState.a * 2.0);
  // a face seen from behind is the inside of a cut wall: one flat tone
  bool cut = !gl_FrontFacing && parkTile.isCut > 0.5;
  bool ghost = vState.a >= 0.5 && vState.a < 0.9;
  vec3 shaded = cut ? mix(color, parkTile.cutFill.rgb, 0.7) : lit(color, normal);
  // the rim of the cut, a pixel wide
  if (parkTile.isCut > 0.5 && !ghost && over > -1.3 * fwidth(over)) shaded = mix(shaded, parkTile.cutLine.rgb, parkTile.cutLine.a);
  float alpha = ghost ? parkTile.ghostAlpha : vColor.a;
  fragColor = vec4(shaded, alpha * layer.opacity);
  DECKGL_FILTER_COLOR(fragColor, geometry);
  // deck.gl would interpolate depth between vertices, wrong on large triangles
  if (picking.isActive > 0.5 && picking.isAttribute > 0.5) fragColor = vec4(cut ? depthOfCut() : gl_FragCoord.z * 2.0 - 1.0, 0.0, 0.0, 1.0);
}
`;

export const edgeVertex = /* glsl */ `${head}
void main(void) {
  vec4 state = readState();
  vec4 common_position = vec4(project_position(positions), 1.0);
  geometry.position = common_position;
  vPlace = (project.modelMatrix * vec4(positions, 1.0)).xyz;
  vState = state;
  gl_Position = project_common_position_to_clipspace(common_position);
  // far away, lines nearer to each other than pixels would only be grey
  vColor = vec4(parkTile.edge.rgb, parkTile.edge.a * clamp(parkTile.edgeDetail / max(gl_Position.w, 1e-4), 0.06, 1.0));
  vNormal = vec3(0.0);
  gl_Position.z += 0.0005 * (gl_Position.z - gl_Position.w); // as if a 2000th nearer: in front of the faces it borders, behind all else
  if (isHidden(state)) gl_Position = NOWHERE;
  DECKGL_FILTER_GL_POSITION(gl_Position, geometry);
}
`;

export const edgeFragment = /* glsl */ `#version 300 es
precision highp float;
in vec4 vColor;
in vec4 vState;
in vec3 vNormal;
in vec3 vPlace;
out vec4 fragColor;
${cutting}
void main(void) {
  if (beyond(vPlace) > 0.0) discard;
  float ghost = vState.a >= 0.5 && vState.a < 0.9 ? 0.35 : 1.0;
  fragColor = vec4(vColor.rgb, vColor.a * ghost * layer.opacity);
}
`;

/** The mesh flattened onto the ground along the sun; a stencil keeps each pixel from being darkened twice. */
export const shadowVertex = /* glsl */ `${head}
void main(void) {
  vec4 state = readState();
  vec4 placed = project.modelMatrix * vec4(positions, 1.0);
  float foot = (project.modelMatrix * vec4(positions.x, feet, positions.z, 1.0)).z;
  float ground = parkTile.onFeet > 0.5 ? foot : parkTile.groundHeight;
  float above = max(placed.z - ground, 0.0);
  vec4 normal_unused = normals;
  vPlace = placed.xyz;
  vState = state;
  vNormal = normal_unused.xyz;
  vColor = parkTile.shadow;
  vec3 common_ = project_position(positions);
  vec3 drop = vec3(parkTile.sun.xy * (above / max(parkTile.sun.z, 0.2)), above - 0.5); // half a metre up: the ground is not as level as the foot of a building
  vec4 common_position = vec4(common_ - project_size(drop), 1.0);
  geometry.position = common_position;
  gl_Position = project_common_position_to_clipspace(common_position);
  if (isHidden(state) || isGhost(state)) gl_Position = NOWHERE;
  DECKGL_FILTER_GL_POSITION(gl_Position, geometry);
}
`;

export const shadowFragment = /* glsl */ `#version 300 es
precision highp float;
in vec4 vColor;
in vec4 vState;
in vec3 vNormal;
in vec3 vPlace;
out vec4 fragColor;
void main(void) {
  fragColor = vColor;
}
`;

/** Counts, for a plane of the cut, how many bodies its points lie in: faces from behind less faces from before, on the side that stays. */
export const countVertex = /* glsl */ `${head}
void main(void) {
  vec4 state = readState();
  vec4 common_position = vec4(project_position(positions), 1.0);
  geometry.position = common_position;
  vPlace = (project.modelMatrix * vec4(positions, 1.0)).xyz;
  vState = state;
  vColor = colors;
  vNormal = normals.xyz;
  gl_Position = project_common_position_to_clipspace(common_position);
  if (isHidden(state) || isGhost(state)) gl_Position = NOWHERE;
  DECKGL_FILTER_GL_POSITION(gl_Position, geometry);
}
`;

export const countFragment = /* glsl */ `#version 300 es
precision highp float;
in vec4 vColor;
in vec4 vState;
in vec3 vNormal;
in vec3 vPlace;
out vec4 fragColor;
${cutting}
void main(void) {
  vec4 plane = capOf(parkTile.capPlane);
  if (dot(plane.xyz, vPlace) > plane.w) discard;
  fragColor = vec4(0.0);
}
`;

/** The plane of a cut where it runs through bodies, as the stencil says; a rectangle as large as the tile. */
export const capVertex = /* glsl */ `#version 300 es
in vec3 positions;
out vec3 vPlace;
void main(void) {
  vec3 corner = parkTile.capMiddle.xyz + positions.x * parkTile.capAcross.xyz + positions.y * parkTile.capAlong.xyz;
  vPlace = (project.modelMatrix * vec4(corner, 1.0)).xyz;
  vec4 common_position = vec4(project_position(corner), 1.0);
  geometry.position = common_position;
  gl_Position = project_common_position_to_clipspace(common_position);
  DECKGL_FILTER_GL_POSITION(gl_Position, geometry);
}
`;

export const capFragment = /* glsl */ `#version 300 es
precision highp float;
in vec3 vPlace;
out vec4 fragColor;
${cutting}
void main(void) {
  if (beyond(vPlace) > 1e-3) discard;
  fragColor = vec4(parkTile.cutFill.rgb, layer.opacity);
}
`;
