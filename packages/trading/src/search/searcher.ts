import { createCovarianceSearch } from "./cmaes.ts";
import { createGeneticSearch } from "./nsga2.ts";
import { createSobol } from "./sobol.ts";
import type { Parameter } from "./space.ts";
import { gridPoint, gridSize } from "./space.ts";
import { createParzenSearch } from "./tpe.ts";

export const searchMethods = ["grid", "random", "sobol", "tpe", "cmaes", "nsga2"] as const;
export type SearchMethod = (typeof searchMethods)[number];

/** Points tried and what came of them: one score an objective, higher is better; -Infinity: it failed. */
export interface Trial {
  readonly point: Float64Array;
  readonly scores: readonly number[];
}

/**
 * Proposes points of the unit cube generation by generation: `next()` gives a generation (empty: the search is over), `tell` its
 * results in the same order. The same random numbers and results give the same search.
 */
export interface Searcher {
  next(): Float64Array[];
  tell(trials: readonly Trial[]): void;
}

/** Points proposed at once by methods that do not learn. */
const generation = 256;

function listed(total: number, point: (index: number) => Float64Array): Searcher {
  let given = 0;
  return {
    next() {
      const count = Math.min(generation, total - given);
      return Array.from({ length: count }, () => point(given++));
    },
    tell: () => undefined,
  };
}

/** `trials` bounds every method; a grid ends with its last point. Throws RangeError when a grid has no end or objectives do not fit. */
export function createSearcher(
  method: SearchMethod,
  space: readonly Parameter[],
  options: { trials: number; objectives: number; random: () => number },
): Searcher {
  const { trials, objectives, random } = options;
  const dimensions = space.length;
  switch (method) {
    case "grid": {
      const size = gridSize(space);
      if (size === Infinity) throw new RangeError("a grid needs a step for every range");
      return listed(Math.min(size, trials), (index) => gridPoint(space, index));
    }
    case "random":
      return listed(trials, () => Float64Array.from({ length: dimensions }, random));
    case "sobol": {
      const next = createSobol(dimensions);
      return listed(trials, next);
    }
    case "tpe":
      return bounded(createParzenSearch(dimensions, random), trials);
    case "cmaes":
      return bounded(createCovarianceSearch(dimensions, random), trials);
    case "nsga2":
      return bounded(createGeneticSearch(dimensions, objectives, random), trials);
  }
}

/** Ends a search after so many points; the last generation is cut and not learnt from. */
function bounded(searcher: Searcher, trials: number): Searcher {
  let given = 0;
  return {
    next() {
      if (given >= trials) return [];
      const points = searcher.next().slice(0, trials - given);
      given += points.length;
      return points;
    },
    tell(told) {
      if (given < trials) searcher.tell(told);
    },
  };
}
