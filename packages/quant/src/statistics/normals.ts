/** Standard normal numbers in bulk. */

const LAYERS = 256;
/** Where the tail begins, and the area of each layer. */
const TAIL = 3.6541528853610088;
const AREA = 0.00492867323399;

const bell = (x: number): number => Math.exp(-0.5 * x * x);

/** Right edges of the layers from the widest (the tail's equivalent) inward to 0, and the density there. */
const edges = new Float64Array(LAYERS + 1);
edges[0] = AREA / bell(TAIL);
edges[1] = TAIL;
for (let i = 2; i < LAYERS; i++) {
  edges[i] = Math.sqrt(-2 * Math.log(AREA / edges[i - 1]! + bell(edges[i - 1]!)));
}
const heights = edges.map(bell);
const widths = edges.map((edge) => edge / 2 ** 31);

/** A point of the tail beyond its edge. Source: Marsaglia 1964. */
function tail(random: () => number): number {
  for (;;) {
    const beyond = -Math.log(1 - random()) / TAIL;
    if (-2 * Math.log(1 - random()) >= beyond * beyond) return TAIL + beyond;
  }
}

/** What becomes of a point outside the rectangle of its layer: itself, a point of the tail, or 0 for none. */
function atEdge(x: number, layer: number, random: () => number): number {
  if (layer === 0) return Math.sign(x) * tail(random);
  const height = heights[layer]! + random() * (heights[layer + 1]! - heights[layer]!);
  return height < bell(x) ? x : 0;
}

/** Fills an array; the state is that of sfc32: three words and a counter. */
function fill(out: Float64Array, state: Int32Array, random: () => number): void {
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  const n = out.length;
  for (let k = 0; k < n;) {
    const low = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + low) | 0;
    const high = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + high) | 0;
    const layer = low & 255;
    const x = (high + (low >>> 8) * 2 ** -24) * widths[layer]!;
    if (Math.abs(x) < edges[layer + 1]!) {
      out[k++] = x;
      continue;
    }
    const kept = atEdge(x, layer, random);
    if (kept !== 0) out[k++] = kept;
  }
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
}

/**
 * A filler of arrays with independent standard normals of 55 random bits: the ziggurat of 256 layers over the generator
 * sfc32, whose state is drawn from `random` (uniforms in [0, 1)); the same uniforms give the same normals.
 * Sources: Marsaglia and Tsang 2000; Doornik 2005 (bits of the layer and of the value apart); Doty-Humphrey's sfc32.
 */
export function createNormals(random: () => number): (out: Float64Array) => void {
  const state = Int32Array.from({ length: 4 }, () => random() * 2 ** 32);
  // A few numbers mix a state that starts with few bits set.
  fill(new Float64Array(16), state, random);
  return (out) => fill(out, state, random);
}
