import type { Searcher, Trial } from "./searcher.ts";

const population = 40;
/** Distribution indices of crossover and mutation: higher keeps children nearer to their parents. */
const crossoverIndex = 15;
const mutationIndex = 20;

/** No objective worse, one better. */
export function dominates(a: readonly number[], b: readonly number[]): boolean {
  let better = false;
  for (let k = 0; k < a.length; k++) {
    if (a[k]! < b[k]!) return false;
    if (a[k]! > b[k]!) better = true;
  }
  return better;
}

/** Indices in fronts: those that nothing dominates, then those that only the fronts before dominate. */
export function paretoFronts(scores: ReadonlyArray<readonly number[]>): number[][] {
  const dominated = scores.map((a) => scores.flatMap((b, j) => (dominates(a, b) ? [j] : [])));
  const count = new Int32Array(scores.length);
  for (const list of dominated) for (const j of list) count[j]!++;
  const fronts: number[][] = [];
  let front = scores.flatMap((_, i) => (count[i] === 0 ? [i] : []));
  while (front.length > 0) {
    fronts.push(front);
    const following: number[] = [];
    for (const i of front) {
      for (const j of dominated[i]!) if (--count[j]! === 0) following.push(j);
    }
    front = following.sort((a, b) => a - b);
  }
  return fronts;
}

/** How far apart the neighbours of each of a front are, over all objectives; ends are infinitely far. */
function crowding(front: readonly number[], scores: ReadonlyArray<readonly number[]>): Map<number, number> {
  const distance = new Map(front.map((i) => [i, 0]));
  for (let k = 0; k < scores[front[0]!]!.length; k++) {
    const order = front.toSorted((a, b) => scores[a]![k]! - scores[b]![k]!);
    const span = scores[order.at(-1)!]![k]! - scores[order[0]!]![k]!;
    distance.set(order[0]!, Infinity);
    distance.set(order.at(-1)!, Infinity);
    if (!(span > 0 && span < Infinity)) continue;
    for (let r = 1; r + 1 < order.length; r++) {
      const gap = (scores[order[r + 1]!]![k]! - scores[order[r - 1]!]![k]!) / span;
      distance.set(order[r]!, distance.get(order[r]!)! + gap);
    }
  }
  return distance;
}

/** Elitist genetic search for several objectives at once. Source: Deb, Pratap, Agarwal and Meyarivan 2002. */
export function createGeneticSearch(dimensions: number, objectives: number, random: () => number): Searcher {
  if (objectives < 1) throw new RangeError("a search has an objective");
  let parents: Trial[] = [];
  let ranks = new Map<Trial, { rank: number; distance: number }>();

  const select = (trials: readonly Trial[]): void => {
    const scores = trials.map((trial) => trial.scores);
    parents = [];
    ranks = new Map();
    paretoFronts(scores).forEach((front, rank) => {
      const distance = crowding(front, scores);
      const sorted = front.toSorted((a, b) => distance.get(b)! - distance.get(a)!);
      for (const i of sorted.slice(0, population - parents.length)) {
        parents.push(trials[i]!);
        ranks.set(trials[i]!, { rank, distance: distance.get(i)! });
      }
    });
  };
  const tournament = (): Trial => {
    const a = parents[Math.floor(random() * parents.length)]!;
    const b = parents[Math.floor(random() * parents.length)]!;
    const ra = ranks.get(a)!;
    const rb = ranks.get(b)!;
    return ra.rank < rb.rank || (ra.rank === rb.rank && ra.distance > rb.distance) ? a : b;
  };

  return {
    next() {
      if (parents.length === 0) {
        return Array.from({ length: population }, () => Float64Array.from({ length: dimensions }, random));
      }
      return Array.from({ length: population }, () =>
        mutate(cross(tournament().point, tournament().point, random), random),
      );
    },
    tell(trials) {
      select([...parents, ...trials]);
    },
  };
}

/** One child of a simulated binary crossover. */
function cross(a: Float64Array, b: Float64Array, random: () => number): Float64Array {
  return a.map((x, j) => {
    if (random() < 0.5) return x;
    const u = random();
    const power = 1 / (crossoverIndex + 1);
    const spread = u <= 0.5 ? (2 * u) ** power : (1 / (2 * (1 - u))) ** power;
    return clamp(0.5 * ((1 + spread) * x + (1 - spread) * b[j]!));
  });
}

/** Polynomial mutation of one coordinate in `dimensions` on average. */
function mutate(point: Float64Array, random: () => number): Float64Array {
  return point.map((x) => {
    if (random() >= 1 / point.length) return x;
    const u = random();
    const power = 1 / (mutationIndex + 1);
    return clamp(x + (u < 0.5 ? (2 * u) ** power - 1 : 1 - (2 * (1 - u)) ** power));
  });
}

const clamp = (x: number) => Math.min(1 - 2 ** -53, Math.max(0, x));
