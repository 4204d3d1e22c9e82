// A baked face: f = min over sheets of T(x + D(x)) + correction(x), and over eyes, teeth and tongue. Posed space, metres. Twin in ../../bake/baked-field.ts.
// Out of `distanceTo`: the signed distance; the `nearest` variables say whose it is. Needs chunks/branch.glsl.
// What is not always needed is in loops that may run no time at all, see there.

precision highp sampler3D;

uniform sampler3D deformation;      // D: blocks of (canonical - posed, correction of the distance)
uniform highp usampler3D brickIndex; // which brick of the atlas, or a first-order distance where there is none
uniform sampler3D brickField;       // bricks of 9 x 9 x 9 samples: T's gradient / GRADIENT_RANGE and T / brickRange
uniform sampler3D brickUv;          // UV_T - 1/2: bricks of 5 x 5 x 5 samples
uniform sampler3D partGrids;        // T of teeth and tongue, dense

// head, left eye, right eye, mouth; the jaw's: whole, mouth
uniform vec3 blockOrigin[6];
uniform vec3 blockLast[6];          // last sample, in samples
uniform float blockPerMetre[6];
uniform vec3 blockOffset[6];        // first sample's texel, at its middle
uniform vec3 deformationTexel;      // 1 / size of the texture
uniform vec3 sheetOrigin[2];
uniform vec3 sheetSize[2];          // bricks
uniform float sheetLayer[2];
uniform float brickEdge;
uniform float brickRange;
uniform vec3 brickTexel;            // 1 / size of the atlas
uniform vec4 eyeRows[6];            // three rows each: the eyeball's own axes from posed space
uniform vec3 eyeShape[2];           // radius, bulge, scale
uniform vec4 mouthRows[9];          // three rows each: template from posed space
uniform vec4 mouthLow[3];           // box in template space; w: the grid's first layer
uniform vec4 mouthHigh[3];          // w: scale
uniform vec3 gridOrigin[3];
uniform float gridPerMetre;
uniform vec3 mouthMin;              // what holds teeth and tongue, posed space
uniform vec3 mouthMax;

const int EYES = 1;
const int MOUTH = 3;
const int JAW = 4;
const float BRICK_CELLS = 8.0;
const float GRADIENT_RANGE = 1.25;
const float FAR = 0.15;
const float NONE = 1e9;

// The sheet that alone is asked, or -1: where one is much nearer the other need not be.
int onlySheet = -1;
float otherSheet; // distance of the sheet that is not the nearest when both were asked last, or 0
int nearestPart;
int nearestSheet;
int nearestBlock;
vec3 nearestGradient; // of T
vec3 nearestBrick;
vec3 nearestWithin;   // place in the brick, 0..1
#ifdef COUNT_READS
float reads = 0.0;
#endif

bool isInside(vec3 p, vec3 low, vec3 high) {
  return all(greaterThanEqual(p, low)) && all(lessThanEqual(p, high));
}

vec3 inBlock(int b, vec3 p) {
  return (p - blockOrigin[b]) * blockPerMetre[b];
}

bool isInBlock(int b, vec3 p) {
  return isInside(inBlock(b, p), vec3(0.0), blockLast[b]);
}

vec4 readDeformation(int b, vec3 p) {
#ifdef COUNT_READS
  reads += 1.0;
#endif
  vec3 q = clamp(inBlock(b, p), vec3(0.0), blockLast[b]) + blockOffset[b];
  return textureLod(deformation, q * deformationTexel, 0.0);
}

float skinDistance(vec3 p) {
  bool inMouth = isInBlock(MOUTH, p);
  bool inJaw = isInBlock(JAW, p);
  int first = onlySheet == 1 && inJaw ? 1 : 0;
  int last = onlySheet == 0 || !inJaw ? 0 : 1;
  int own = inMouth ? MOUTH : isInBlock(EYES, p) ? EYES : isInBlock(EYES + 1, p) ? EYES + 1 : 0;
  float best = NONE;
  float farther = -NONE;
  for (int sheet = first; sheet <= last; sheet++) {
    int block = sheet == 0 ? own : inMouth ? JAW + 1 : JAW;
    vec4 d = readDeformation(block, p);
    vec3 b = (p + d.xyz - sheetOrigin[sheet]) / brickEdge;
    vec3 kept = clamp(b, vec3(0.0), sheetSize[sheet]);
    vec3 cell = min(floor(kept), sheetSize[sheet] - 1.0);
    vec3 within = kept - cell;
    uvec4 entry = texelFetch(brickIndex, ivec3(cell.xy, cell.z + sheetLayer[sheet]), 0);
    vec3 brick = vec3(entry.xyz);
    vec4 t = textureLod(brickField, (brick * (BRICK_CELLS + 1.0) + within * BRICK_CELLS + 0.5) * brickTexel, 0.0);
    t *= vec4(vec3(GRADIENT_RANGE), brickRange);
    if (entry.w != 255u) {
      float x = (float(entry.w) - 127.0) / 120.0;
      t.xyz = (brick - 128.0) / 127.0;
      t.w = x * abs(x) * FAR + brickEdge * dot(t.xyz, within - 0.5);
    }
    float value = t.w + brickEdge * length(b - kept) + d.w;
    farther = max(farther, value);
    if (value < best) {
      best = value;
      nearestSheet = sheet;
      nearestBlock = block;
      nearestGradient = t.xyz;
      nearestBrick = brick;
      nearestWithin = within;
    }
  }
  if (onlySheet < 0) otherSheet = last > first ? farther : 0.0;
  return best;
}

vec3 inEye(int e, vec3 p) {
  vec4 q = vec4(p, 1.0);
  return vec3(dot(eyeRows[3 * e], q), dot(eyeRows[3 * e + 1], q), dot(eyeRows[3 * e + 2], q));
}

// A sphere and the cornea's smaller one, joined by a smooth minimum.
float eyeDistance(int e, vec3 p) {
  vec3 q = inEye(e, p);
  float corneaRadius = eyeShape[e].x * 0.62;
  float ball = length(q) - eyeShape[e].x;
  float cornea = length(q - vec3(0.0, 0.0, eyeShape[e].y - corneaRadius)) - corneaRadius;
  const float k = 0.0012;
  float h = clamp(0.5 + 0.5 * (cornea - ball) / k, 0.0, 1.0);
  return (mix(cornea, ball, h) - k * h * (1.0 - h)) * eyeShape[e].z;
}

vec3 inMouthPart(int part, vec3 p) {
  vec4 q = vec4(p, 1.0);
  return vec3(dot(mouthRows[3 * part], q), dot(mouthRows[3 * part + 1], q), dot(mouthRows[3 * part + 2], q));
}

float mouthPartDistance(int part, vec3 p) {
  vec3 q = inMouthPart(part, p);
  vec3 low = mouthLow[part].xyz;
  vec3 high = mouthHigh[part].xyz;
  vec3 kept = clamp(q, low, high);
  vec3 wall = max(low - q, q - high);
  vec3 texel = (kept - gridOrigin[part]) * gridPerMetre + vec3(0.5, 0.5, 0.5 + mouthLow[part].w);
  float inner = textureLod(partGrids, texel / vec3(textureSize(partGrids, 0)), 0.0).r + length(q - kept);
  return max(inner, max(wall.x, max(wall.y, wall.z))) * mouthHigh[part].w;
}

float distanceTo(vec3 p) {
  float best = skinDistance(p);
  nearestPart = 0;
  for (int e = isInBlock(EYES, p) ? 0 : 1; e < (isInBlock(EYES + 1, p) ? 2 : 1); e++) {
    float value = eyeDistance(e, p);
    if (value < best) {
      best = value;
      nearestPart = 1 + e;
    }
  }
  for (int part = 0; part < (isInside(p, mouthMin, mouthMax) ? 3 : 0); part++) {
    float value = mouthPartDistance(part, p);
    if (value < best) {
      best = value;
      nearestPart = 3 + part;
    }
  }
  return best;
}

// Corners of a tetrahedron: one reads a gradient off the values there.
vec3 tetrahedron(int i) {
  return vec3((i + 3) % 4 < 2 ? 1.0 : -1.0, i < 2 ? 1.0 : -1.0, i % 2 == 0 ? 1.0 : -1.0);
}

// The gradient's direction, unit length, of the part that `distanceTo` was last asked about, at a place near that one. The gradient of T is at hand:
// by the chain rule only D is missing, which is smooth.
vec3 normalAt(vec3 p) {
  vec3 sum = vec3(0.0);
  float arm = 0.5 / blockPerMetre[nearestBlock];
  for (int i = 0; i < (nearestPart == 0 ? 4 : 0); i++) {
    vec3 corner = tetrahedron(i);
    vec4 d = readDeformation(nearestBlock, p + arm * corner);
    sum += corner * (dot(d.xyz, nearestGradient) + d.w);
  }
  const float PART_ARM = 1e-3;
  for (int i = 0; i < (nearestPart == 0 ? 0 : 4); i++) {
    vec3 corner = tetrahedron(i);
    vec3 q = p + PART_ARM * corner;
    sum += corner * (nearestPart < 3 ? eyeDistance(nearestPart - 1, q) : mouthPartDistance(nearestPart - 3, q));
  }
  return normalize(nearestPart == 0 ? nearestGradient + sum / (4.0 * arm) : sum);
}

// UV of a place on the chart of the part that `distanceTo` was last asked about; `shift` is how far it was from there.
vec2 uvAt(vec3 p, vec3 shift) {
  vec3 within = clamp(nearestWithin + shift / brickEdge, 0.0, 1.0);
  vec3 texel = nearestBrick * (BRICK_CELLS / 2.0 + 1.0) + within * BRICK_CELLS / 2.0 + 0.5;
  vec2 uv = textureLod(brickUv, texel / vec3(textureSize(brickUv, 0)), 0.0).rg + 0.5;
  WHEN (nearestPart > 0 && nearestPart < 3) {
    vec3 q = inEye(nearestPart - 1, p);
    float flatLength = max(length(q.xy), 1e-7);
    float radius = 0.49 * min(atan(flatLength, q.z) / radians(100.0), 1.0);
    uv = clamp(0.5 + q.xy * vec2(1.0, -1.0) * radius / flatLength, 0.0, 1.0);
  }
  WHEN (nearestPart >= 3) {
    int part = nearestPart - 3;
    vec3 q = inMouthPart(part, p);
    vec3 low = mouthLow[part].xyz;
    vec3 share = (q - low) / (mouthHigh[part].xyz - low);
    float around = atan(q.x, q.z - low.z + 0.012) / radians(180.0);
    uv = clamp(part == 2 ? vec2(share.x, 1.0 - share.z) : vec2(0.5 + 0.98 * around, 1.0 - share.y), 0.0, 1.0);
  }
  return uv;
}
