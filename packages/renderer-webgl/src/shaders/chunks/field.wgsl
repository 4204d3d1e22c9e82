// A baked face: f = min over sheets of T(x + D(x)) + correction(x), and over eyes, teeth and tongue. Posed space, metres. field.glsl says what the uniforms are; twin in ../../bake/baked-field.ts.
// Out of `distanceTo`: the signed distance; the `nearest` variables say whose it is. Needs `field`, a uniform block with FIELD_LAYOUT.

@group(1) @binding(1) var volumeSampler: sampler;
@group(1) @binding(2) var deformation: texture_3d<f32>;
@group(1) @binding(3) var brickIndex: texture_3d<u32>;
@group(1) @binding(4) var brickField: texture_3d<f32>;
@group(1) @binding(5) var brickUv: texture_3d<f32>;
@group(1) @binding(6) var partGrids: texture_3d<f32>;

const EYES = 1;
const MOUTH = 3;
const JAW = 4;
const BRICK_CELLS = 8.0;
const FINE_CELLS = 16.0;
const FINE_BRICK = 254u; // above it the other bricks, below there is none
const GRADIENT_RANGE = 1.25;
const FAR = 0.15;
const NONE = 1e9;

// The sheet that alone is asked, or -1: where one is much nearer the other need not be.
var<private> onlySheet = -1;
var<private> otherSheet: f32; // distance of the sheet that is not the nearest when both were asked last, or 0
var<private> nearestPart: i32;
var<private> nearestSheet: i32;
var<private> nearestBlock: i32;
var<private> nearestPlace: vec3f;    // posed
var<private> nearestOffset: vec4f;   // D
var<private> nearestGradient: vec3f; // of T
var<private> nearestBrick: vec3f;
var<private> nearestCells: f32;      // along its edge
var<private> nearestWithin: vec3f;   // place in the brick, 0..1

fn isInside(p: vec3f, low: vec3f, high: vec3f) -> bool {
  return all(p >= low) && all(p <= high);
}

fn inBlock(b: i32, p: vec3f) -> vec3f {
  return (p - field.blockOrigin[b]) * field.blockPerMetre[b].x;
}

fn isInBlock(b: i32, p: vec3f) -> bool {
  return isInside(inBlock(b, p), vec3f(0.0), field.blockLast[b]);
}

fn readDeformation(b: i32, p: vec3f) -> vec4f {
  let q = clamp(inBlock(b, p), vec3f(0.0), field.blockLast[b]) + field.blockOffset[b];
  return textureSampleLevel(deformation, volumeSampler, q * field.deformationTexel, 0.0);
}

// T and D of one sheet; kept if it is nearer than `best`.
fn askSheet(sheet: i32, block: i32, p: vec3f, best: f32) -> f32 {
  let d = readDeformation(block, p);
  let b = (p + d.xyz - field.sheetOrigin[sheet]) / field.brickEdge;
  let size = field.sheetSize[sheet];
  let kept = clamp(b, vec3f(0.0), size);
  let cell = min(floor(kept), size - 1.0);
  let within = kept - cell;
  let entry = textureLoad(brickIndex, vec3i(vec3f(cell.xy, cell.z + field.sheetLayer[sheet].x)), 0);
  let brick = vec3f(entry.xyz);
  let cells = select(BRICK_CELLS, FINE_CELLS, entry.w == FINE_BRICK);
  let texel = brick * (cells + 1.0) + within * cells + 0.5;
  var t = textureSampleLevel(brickField, volumeSampler, texel * field.brickTexel, 0.0);
  t *= vec4f(vec3f(GRADIENT_RANGE), field.brickRange);
  if (entry.w < FINE_BRICK) {
    let x = (f32(entry.w) - 127.0) / 120.0;
    let gradient = (brick - 128.0) / 127.0;
    t = vec4f(gradient, x * abs(x) * FAR + field.brickEdge * dot(gradient, within - 0.5));
  }
  let value = t.w + field.brickEdge * length(b - kept) + d.w;
  if (value < best) {
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

fn inEye(e: i32, p: vec3f) -> vec3f {
  let q = vec4f(p, 1.0);
  return vec3f(dot(field.eyeRows[3 * e], q), dot(field.eyeRows[3 * e + 1], q), dot(field.eyeRows[3 * e + 2], q));
}

fn skinDistance(p: vec3f) -> f32 {
  nearestPlace = p;
  var own = select(select(0, EYES + 1, isInBlock(EYES + 1, p)), EYES, isInBlock(EYES, p));
  let inMouth = isInBlock(MOUTH, p);
  let inJaw = isInBlock(JAW, p);
  if (inMouth) {
    own = MOUTH;
  }
  let both = onlySheet < 0 && inJaw;
  var first = NONE;
  var second = NONE;
  if (onlySheet != 1 || !inJaw) {
    first = askSheet(0, own, p, NONE);
  }
  if (onlySheet != 0 && inJaw) {
    second = askSheet(1, select(JAW, JAW + 1, inMouth), p, first);
  }
  if (onlySheet < 0) {
    otherSheet = select(0.0, max(first, second), both);
  }
  return min(first, second);
}

// A sphere and the cornea's smaller one, joined by a smooth minimum.
fn eyeDistance(e: i32, p: vec3f) -> f32 {
  let q = inEye(e, p);
  let shape = field.eyeShape[e];
  let corneaRadius = shape.x * 0.62;
  let ball = length(q) - shape.x;
  let cornea = length(q - vec3f(0.0, 0.0, shape.y - corneaRadius)) - corneaRadius;
  const k = 0.0012;
  let h = saturate(0.5 + 0.5 * (cornea - ball) / k);
  return (mix(cornea, ball, h) - k * h * (1.0 - h)) * shape.z;
}

fn inMouthPart(part: i32, p: vec3f) -> vec3f {
  let q = vec4f(p, 1.0);
  return vec3f(
    dot(field.mouthRows[3 * part], q),
    dot(field.mouthRows[3 * part + 1], q),
    dot(field.mouthRows[3 * part + 2], q),
  );
}

fn mouthPartDistance(part: i32, p: vec3f) -> f32 {
  let q = inMouthPart(part, p);
  let low = field.mouthLow[part].xyz;
  let high = field.mouthHigh[part].xyz;
  let kept = clamp(q, low, high);
  let wall = max(low - q, q - high);
  let texel = (kept - field.gridOrigin[part]) * field.gridPerMetre + vec3f(0.5, 0.5, 0.5 + field.mouthLow[part].w);
  let share = texel / vec3f(textureDimensions(partGrids));
  let inner = textureSampleLevel(partGrids, volumeSampler, share, 0.0).r + length(q - kept);
  return max(inner, max(wall.x, max(wall.y, wall.z))) * field.mouthHigh[part].w;
}

fn distanceTo(p: vec3f) -> f32 {
  var best = skinDistance(p);
  nearestPart = 0;
  let left = isInBlock(EYES, p);
  if (left || isInBlock(EYES + 1, p)) {
    let e = select(1, 0, left);
    let value = eyeDistance(e, p);
    if (value < best) {
      best = value;
      nearestPart = 1 + e;
    }
  }
  if (isInside(p, field.mouthMin, field.mouthMax)) {
    for (var part = 0; part < 3; part++) {
      let value = mouthPartDistance(part, p);
      if (value < best) {
        best = value;
        nearestPart = 3 + part;
      }
    }
  }
  return best;
}

// How much of T's gradient a step along an axis adds by way of D.
fn bend(arm: f32, axis: vec3f) -> f32 {
  let change = readDeformation(nearestBlock, nearestPlace + arm * axis) - nearestOffset;
  return dot(change.xyz, nearestGradient) + change.w;
}

// The gradient's direction, unit length, of the part that `distanceTo` was last asked about, at a place near that one.
fn normalAt(p: vec3f) -> vec3f {
  if (nearestPart > 0) {
    var sum = vec3f(0.0);
    for (var i = 0; i < 4; i++) {
      // Corners of a tetrahedron.
      let corner = vec3f(select(-1.0, 1.0, i == 0 || i == 3), select(-1.0, 1.0, i >= 2), select(-1.0, 1.0, i == 1 || i == 3));
      let q = p + 1e-3 * corner;
      if (nearestPart < 3) {
        sum += corner * eyeDistance(nearestPart - 1, q);
      } else {
        sum += corner * mouthPartDistance(nearestPart - 3, q);
      }
    }
    return normalize(sum);
  }
  let arm = 0.5 / field.blockPerMetre[nearestBlock].x;
  let bent = vec3f(bend(arm, vec3f(1, 0, 0)), bend(arm, vec3f(0, 1, 0)), bend(arm, vec3f(0, 0, 1)));
  return normalize(nearestGradient + bent / arm);
}

// UV of a place on the chart of the part that `distanceTo` was last asked about; `shift` is how far it was from there.
fn uvAt(p: vec3f, shift: vec3f) -> vec2f {
  if (nearestPart > 0 && nearestPart < 3) {
    let q = inEye(nearestPart - 1, p);
    let flatLength = max(length(q.xy), 1e-7);
    let radius = 0.49 * min(atan2(flatLength, q.z) / radians(100.0), 1.0);
    return saturate(0.5 + q.xy * vec2f(1.0, -1.0) * radius / flatLength);
  }
  if (nearestPart >= 3) {
    let part = nearestPart - 3;
    let q = inMouthPart(part, p);
    let low = field.mouthLow[part].xyz;
    let share = (q - low) / (field.mouthHigh[part].xyz - low);
    if (part == 2) {
      return saturate(vec2f(share.x, 1.0 - share.z));
    }
    return saturate(vec2f(0.5 + 0.98 * atan2(q.x, q.z - low.z + 0.012) / radians(180.0), 1.0 - share.y));
  }
  let within = saturate(nearestWithin + shift / field.brickEdge);
  let texel = nearestBrick * (nearestCells / 2.0 + 1.0) + within * nearestCells / 2.0 + 0.5;
  return textureSampleLevel(brickUv, volumeSampler, texel / vec3f(textureDimensions(brickUv)), 0.0).rg + 0.5;
}
