import { createNormal, reflect } from "./normal.ts";
import type { Searcher, Trial } from "./searcher.ts";

const startup = 32;
const perGeneration = 16;
const candidates = 8;
/** So many of the trials count as good: this share, and at most that many. */
const goodShare = 0.1;
const mostGood = 25;
const uniformShare = 0.1;

/**
 * Tree-structured Parzen estimator, one density a coordinate: of candidates drawn near good trials the one that is likeliest there and
 * least likely among the others. Uses the first objective. Source: Bergstra, Bardenet, Bengio and Kégl 2011.
 */
export function createParzenSearch(dimensions: number, random: () => number): Searcher {
  const normal = createNormal(random);
  const trials: Trial[] = [];
  const uniformPoint = () => Float64Array.from({ length: dimensions }, random);
  return {
    next() {
      if (trials.length < startup) return Array.from({ length: startup }, uniformPoint);
      const ranked = trials.toSorted((a, b) => b.scores[0]! - a.scores[0]!);
      const count = Math.min(mostGood, Math.ceil(goodShare * ranked.length));
      const good = ranked.slice(0, count).map((trial) => trial.point);
      const bad = ranked.slice(count).map((trial) => trial.point);
      return Array.from({ length: perGeneration }, () => proposePoint(good, bad, dimensions, random, normal));
    },
    tell(told) {
      trials.push(...told);
    },
  };
}

function proposePoint(
  good: readonly Float64Array[],
  bad: readonly Float64Array[],
  dimensions: number,
  random: () => number,
  normal: () => number,
): Float64Array {
  const point = new Float64Array(dimensions);
  for (let j = 0; j < dimensions; j++) {
    const width = widthOf(good, j);
    const badWidth = widthOf(bad, j);
    let best = -Infinity;
    for (let c = 0; c < candidates; c++) {
      const centre = good[Math.floor(random() * good.length)]![j]!;
      // One in twenty looks anywhere: the prior.
      const x = random() < 0.05 ? random() : reflect(centre + width * normal());
      const gain = logDensity(good, j, x, width) - logDensity(bad, j, x, badWidth);
      if (gain > best) {
        best = gain;
        point[j] = x;
      }
    }
  }
  return point;
}

/** Scott's rule, standard deviation × n^(-1/5), but wide enough that a few points near each other do not end the search. */
function widthOf(points: readonly Float64Array[], j: number): number {
  const n = points.length;
  let sum = 0;
  let squares = 0;
  for (const point of points) {
    sum += point[j]!;
    squares += point[j]! ** 2;
  }
  const variance = Math.max(0, squares / n - (sum / n) ** 2);
  return Math.max(1 / (1 + Math.min(n, 100)), Math.sqrt(variance) * n ** -0.2);
}

/** Of normals around the points, mixed with a uniform of the same weight on both sides, so that empty regions draw nobody. */
function logDensity(points: readonly Float64Array[], j: number, x: number, width: number): number {
  let sum = 0;
  for (const point of points) {
    const z = (x - point[j]!) / width;
    sum += Math.exp(-0.5 * z * z);
  }
  const kernels = sum / (points.length * width * Math.sqrt(2 * Math.PI));
  return Math.log(uniformShare + (1 - uniformShare) * kernels);
}
