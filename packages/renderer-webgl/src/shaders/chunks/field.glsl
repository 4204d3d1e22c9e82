// A baked face: f = min over sheets of T(x + D(x)) + correction(x), and over eyes, teeth and tongue. Posed space, metres. Twin in ../../bake/baked-field.ts.
// Out of `distanceTo`: the signed distance; `nearestPart` and `nearestCanonical` say whose it is.

precision highp sampler3D;

uniform sampler3D deformation;      // D: blocks of (canonical - posed, correction of the distance)
uniform highp usampler3D brickIndex; // which brick of the atlas, or a first-order distance where there is none
uniform sampler3D brickDistance;    // T: bricks of 9 x 9 x 9 samples
uniform sampler3D brickUv;          // UV_T - 1/2: bricks of 5 x 5 x 5 samples
uniform sampler3D partGrids;        // T of teeth and tongue, dense

// head, left eye, right eye, mouth; the jaw's: whole, mouth
uniform vec3 blockOrigin[6];
uniform vec3 blockLast[6];          // last sample, in samples
uniform float blockPerMetre[6];
uniform vec3 blockOffset[6];        // first sample's texel
uniform vec3 sheetOrigin[2];
uniform vec3 sheetSize[2];          // bricks
uniform float sheetLayer[2];
uniform float brickEdge;
uniform vec4 eyeRows[6];            // three rows each: the eyeball's own axes from posed space
uniform vec3 eyeShape[2];           // radius, bulge, scale
uniform vec4 mouthRows[9];          // three rows each: template from posed space
uniform vec4 mouthLow[3];           // box in template space; w: the grid's first layer
uniform vec4 mouthHigh[3];          // w: scale
uniform vec3 gridOrigin[3];
uniform float gridPerMetre;
uniform vec3 mouthMin;              // what holds teeth and tongue, posed space
uniform vec3 mouthMax;

const float BRICK_CELLS = 8.0;
const float FAR = 0.15;
const float NONE = 1e9;

// The sheet that alone is asked, or -1: where one is much nearer the other need not be.
int onlySheet = -1;
float otherSheet; // distance of the sheet that is not the nearest when both were asked last, or 0
int nearestPart;
int nearestSheet;
vec3 nearestCanonical;
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
  vec3 q = clamp(inBlock(b, p), vec3(0.0), blockLast[b]) + blockOffset[b] + 0.5;
  return textureLod(deformation, q / vec3(textureSize(deformation, 0)), 0.0);
}

// A canonical point's entry of the index; `within` gets the place in its brick, `beyond` how far it is outside of all bricks.
uvec4 findBrick(int sheet, vec3 c, out vec3 within, out float beyond) {
  vec3 b = (c - sheetOrigin[sheet]) / brickEdge;
  vec3 kept = clamp(b, vec3(0.0), sheetSize[sheet]);
  beyond = brickEdge * length(b - kept);
  vec3 cell = min(floor(kept), sheetSize[sheet] - 1.0);
  within = kept - cell;
  return texelFetch(brickIndex, ivec3(cell.xy, cell.z + sheetLayer[sheet]), 0);
}

float templateDistance(int sheet, vec3 c) {
  vec3 within;
  float beyond;
  uvec4 entry = findBrick(sheet, c, within, beyond);
  if (entry.w == 255u) {
    vec3 q = vec3(entry.xyz) * (BRICK_CELLS + 1.0) + within * BRICK_CELLS + 0.5;
    return textureLod(brickDistance, q / vec3(textureSize(brickDistance, 0)), 0.0).r + beyond;
  }
  float x = (float(entry.w) - 127.0) / 120.0;
  return x * abs(x) * FAR + brickEdge * dot((vec3(entry.xyz) - 128.0) / 127.0, within - 0.5) + beyond;
}

float sheetDistance(int sheet, int block, vec3 p, out vec3 canonical) {
  vec4 d = readDeformation(block, p);
  canonical = p + d.xyz;
  return templateDistance(sheet, canonical) + d.w;
}

float skinDistance(vec3 p) {
  bool inMouth = isInBlock(3, p);
  bool inJaw = onlySheet != 0 && isInBlock(4, p);
  float head = NONE;
  nearestSheet = 0;
  if (onlySheet != 1 || !inJaw) {
    head = sheetDistance(0, inMouth ? 3 : isInBlock(1, p) ? 1 : isInBlock(2, p) ? 2 : 0, p, nearestCanonical);
    if (!inJaw) {
      if (onlySheet < 0) otherSheet = 0.0;
      return head;
    }
  }
  vec3 canonical;
  float jaw = sheetDistance(1, inMouth ? 5 : 4, p, canonical);
  if (onlySheet < 0) otherSheet = max(jaw, head);
  if (jaw >= head) return head;
  nearestCanonical = canonical;
  nearestSheet = 1;
  return jaw;
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

void offer(float value, int part, inout float best) {
  if (value < best) {
    best = value;
    nearestPart = part;
  }
}

float distanceTo(vec3 p) {
  float best = skinDistance(p);
  nearestPart = 0;
  if (isInBlock(1, p)) offer(eyeDistance(0, p), 1, best);
  if (isInBlock(2, p)) offer(eyeDistance(1, p), 2, best);
  if (isInside(p, mouthMin, mouthMax)) {
    for (int part = 0; part < 3; part++) offer(mouthPartDistance(part, p), 3 + part, best);
  }
  return best;
}

// UV of the point that `distanceTo` was last asked about, on its part's chart.
vec2 uvOf(vec3 p) {
  if (nearestPart == 0) {
    vec3 within;
    float beyond;
    uvec4 entry = findBrick(nearestSheet, nearestCanonical, within, beyond);
    vec3 q = vec3(entry.xyz) * (BRICK_CELLS / 2.0 + 1.0) + within * BRICK_CELLS / 2.0 + 0.5;
    return textureLod(brickUv, q / vec3(textureSize(brickUv, 0)), 0.0).rg + 0.5;
  }
  if (nearestPart <= 2) {
    vec3 q = inEye(nearestPart - 1, p);
    float flatLength = max(length(q.xy), 1e-7);
    float radius = 0.49 * min(atan(flatLength, q.z) / radians(100.0), 1.0);
    return clamp(0.5 + q.xy * vec2(1.0, -1.0) * radius / flatLength, 0.0, 1.0);
  }
  int part = nearestPart - 3;
  vec3 q = inMouthPart(part, p);
  vec3 low = mouthLow[part].xyz;
  vec3 share = (q - low) / (mouthHigh[part].xyz - low);
  if (part == 2) return clamp(vec2(share.x, 1.0 - share.z), 0.0, 1.0);
  return clamp(vec2(0.5 + 0.98 * atan(q.x, q.z - low.z + 0.012) / radians(180.0), 1.0 - share.y), 0.0, 1.0);
}
