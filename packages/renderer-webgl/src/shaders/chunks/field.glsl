// A baked face: f = min over sheets of T(x + D(x)) + correction(x), and over eyes, teeth and tongue. Posed space, metres. Twin in ../../bake/baked-field.ts.
// Out of `distanceTo`: the signed distance; the `nearest` variables say whose it is.
//
// Most of a face is skin of the head alone. ONLY_HEAD leaves out all else, ONLY_SKIN eyes, teeth and tongue; `comesElsewhere` says of which rays that is not enough.

precision highp sampler3D;

uniform sampler3D deformation;      // D: blocks of (canonical - posed, correction of the distance)
uniform highp usampler3D brickIndex; // which brick of the atlas and of which kind, or a first-order distance where there is none
uniform sampler3D brickField;       // bricks of 9 x 9 x 9 or 17 x 17 x 17 samples: T's gradient / GRADIENT_RANGE and T / brickRange
uniform sampler3D brickUv;          // UV_T - 1/2: bricks of 5 x 5 x 5 or 9 x 9 x 9 samples
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
const float FINE_CELLS = 16.0;
const uint FINE_BRICK = 254u; // above it the other bricks, below there is none
const float GRADIENT_RANGE = 1.25;
const float FAR = 0.15;
const float NONE = 1e9;

// The sheet that alone is asked, or -1: where one is much nearer the other need not be.
int onlySheet = -1;
float otherSheet; // distance of the sheet that is not the nearest when both were asked last, or 0
int nearestPart;
int nearestSheet;
int nearestBlock;
vec3 nearestPlace;    // posed
vec4 nearestOffset;   // D
vec3 nearestGradient; // of T
vec3 nearestBrick;
float nearestCells; // along its edge
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

// T and D of one sheet; kept if it is the nearest so far.
float askSheet(int sheet, int block, vec3 p, inout float best) {
  vec4 d = readDeformation(block, p);
  vec3 b = (p + d.xyz - sheetOrigin[sheet]) / brickEdge;
  vec3 kept = clamp(b, vec3(0.0), sheetSize[sheet]);
  vec3 cell = min(floor(kept), sheetSize[sheet] - 1.0);
  vec3 within = kept - cell;
  uvec4 entry = texelFetch(brickIndex, ivec3(cell.xy, cell.z + sheetLayer[sheet]), 0);
  vec3 brick = vec3(entry.xyz);
  float cells = entry.w == FINE_BRICK ? FINE_CELLS : BRICK_CELLS;
  vec4 t = textureLod(brickField, (brick * (cells + 1.0) + within * cells + 0.5) * brickTexel, 0.0);
  t *= vec4(vec3(GRADIENT_RANGE), brickRange);
  if (entry.w < FINE_BRICK) {
    float x = (float(entry.w) - 127.0) / 120.0;
    t.xyz = (brick - 128.0) / 127.0;
    t.w = x * abs(x) * FAR + brickEdge * dot(t.xyz, within - 0.5);
  }
  float value = t.w + brickEdge * length(b - kept) + d.w;
  if (value < best) {
    best = value;
    nearestSheet = sheet;
    nearestBlock = block;
    nearestOffset = d;
    nearestGradient = t.xyz;
    nearestBrick = brick;
    nearestCells = cells;
    nearestWithin = within;
  }
  return value;
}

vec3 inEye(int e, vec3 p) {
  vec4 q = vec4(p, 1.0);
  return vec3(dot(eyeRows[3 * e], q), dot(eyeRows[3 * e + 1], q), dot(eyeRows[3 * e + 2], q));
}

// Needs `crossBox` of chunks/ray.glsl.
#ifdef ONLY_SKIN
bool passesBox(vec3 low, vec3 high, vec3 from, vec3 perAxis, float reach) {
  vec2 crossing = crossBox(low, high, from, perAxis);
  return max(crossing.x, 0.0) <= min(crossing.y, reach);
}

bool passesBlock(int b, vec3 from, vec3 perAxis, float reach) {
  return passesBox(blockOrigin[b], blockOrigin[b] + blockLast[b] / blockPerMetre[b], from, perAxis, reach);
}

// So near that skin is not all that matters.
bool passesEye(int e, vec3 from, vec3 along) {
  const float NEAR_EYE = 3e-3;
  vec3 a = inEye(e, from);
  vec3 ab = inEye(e, from + along) - a;
  vec3 nearest = a + clamp(-dot(a, ab) / max(dot(ab, ab), 1e-12), 0.0, 1.0) * ab;
  float near = max(eyeShape[e].x, eyeShape[e].y) + NEAR_EYE;
  return dot(nearest, nearest) < near * near;
}

// Whether a ray that went that far came where there is more than the program knows of: once for all of it, which is cheaper than place by place.
bool comesElsewhere(vec3 from, vec3 direction, float reach) {
  vec3 perAxis = 1.0 / direction;
#ifdef ONLY_HEAD
  if (passesBlock(JAW, from, perAxis, reach) || passesBlock(MOUTH, from, perAxis, reach)) return true;
#endif
  return passesBox(mouthMin, mouthMax, from, perAxis, reach)
    || passesEye(0, from, reach * direction)
    || passesEye(1, from, reach * direction);
}
#endif

float skinDistance(vec3 p) {
  nearestPlace = p;
  float best = NONE;
  int own = isInBlock(EYES, p) ? EYES : isInBlock(EYES + 1, p) ? EYES + 1 : 0;
#ifdef ONLY_HEAD
  askSheet(0, own, p, best);
#else
  bool inMouth = isInBlock(MOUTH, p);
  bool inJaw = isInBlock(JAW, p);
  if (inMouth) own = MOUTH;
  bool both = onlySheet < 0 && inJaw;
  float first = NONE;
  if (onlySheet != 1 || !inJaw) first = askSheet(0, own, p, best);
  if (onlySheet != 0 && inJaw) {
    float second = askSheet(1, inMouth ? JAW + 1 : JAW, p, best);
    if (both) otherSheet = max(first, second);
  }
  if (onlySheet < 0 && !both) otherSheet = 0.0;
#endif
  return best;
}

#ifndef ONLY_SKIN
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

#endif

#ifndef ONLY_SKIN
void offer(int part, float value, inout float best) {
  if (value >= best) return;
  best = value;
  nearestPart = part;
}
#endif

float distanceTo(vec3 p) {
  float best = skinDistance(p);
  nearestPart = 0;
#ifndef ONLY_SKIN
  bool left = isInBlock(EYES, p);
  if (left || isInBlock(EYES + 1, p)) {
    int e = left ? 0 : 1;
    offer(1 + e, eyeDistance(e, p), best);
  }
  if (isInside(p, mouthMin, mouthMax)) {
    offer(3, mouthPartDistance(0, p), best);
    offer(4, mouthPartDistance(1, p), best);
    offer(5, mouthPartDistance(2, p), best);
  }
#endif
  return best;
}

// How much of T's gradient a step along an axis adds by way of D.
float bend(float arm, vec3 axis) {
  vec4 change = readDeformation(nearestBlock, nearestPlace + arm * axis) - nearestOffset;
  return dot(change.xyz, nearestGradient) + change.w;
}

// The gradient's direction, unit length, of the part that `distanceTo` was last asked about, at a place near that one. The gradient of T is at hand:
// by the chain rule only that of D is missing, which is smooth.
vec3 normalAt(vec3 p) {
#ifndef ONLY_SKIN
  if (nearestPart > 0) {
    const vec2 s = vec2(1.0, -1.0);
    vec3 sum = vec3(0.0);
    for (int i = 0; i < 4; i++) {
      vec3 corner = i == 0 ? s.xyy : i == 1 ? s.yyx : i == 2 ? s.yxy : s.xxx;
      vec3 q = p + 1e-3 * corner;
      sum += corner * (nearestPart < 3 ? eyeDistance(nearestPart - 1, q) : mouthPartDistance(nearestPart - 3, q));
    }
    return normalize(sum);
  }
#endif
  float arm = 0.5 / blockPerMetre[nearestBlock];
  vec3 bent = vec3(bend(arm, vec3(1, 0, 0)), bend(arm, vec3(0, 1, 0)), bend(arm, vec3(0, 0, 1)));
  return normalize(nearestGradient + bent / arm);
}

// UV of a place on the chart of the part that `distanceTo` was last asked about; `shift` is how far it was from there.
vec2 uvAt(vec3 p, vec3 shift) {
#ifndef ONLY_SKIN
  if (nearestPart > 0 && nearestPart < 3) {
    vec3 q = inEye(nearestPart - 1, p);
    float flatLength = max(length(q.xy), 1e-7);
    float radius = 0.49 * min(atan(flatLength, q.z) / radians(100.0), 1.0);
    return clamp(0.5 + q.xy * vec2(1.0, -1.0) * radius / flatLength, 0.0, 1.0);
  }
  if (nearestPart >= 3) {
    int part = nearestPart - 3;
    vec3 q = inMouthPart(part, p);
    vec3 low = mouthLow[part].xyz;
    vec3 share = (q - low) / (mouthHigh[part].xyz - low);
    if (part == 2) return clamp(vec2(share.x, 1.0 - share.z), 0.0, 1.0);
    return clamp(vec2(0.5 + 0.98 * atan(q.x, q.z - low.z + 0.012) / radians(180.0), 1.0 - share.y), 0.0, 1.0);
  }
#endif
  vec3 within = clamp(nearestWithin + shift / brickEdge, 0.0, 1.0);
  vec3 texel = nearestBrick * (nearestCells / 2.0 + 1.0) + within * nearestCells / 2.0 + 0.5;
  return textureLod(brickUv, texel / vec3(textureSize(brickUv, 0)), 0.0).rg + 0.5;
}
