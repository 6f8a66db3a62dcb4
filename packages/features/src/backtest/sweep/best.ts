import { dominates } from "@tapedeck/trading";
import type { Parameter, ParameterValues } from "@tapedeck/trading";
import type { HeatMap, objectiveNames } from "./contract.ts";
import type { StoredTrial } from "./store.ts";

type Objective = (typeof objectiveNames)[number];

const mostKept = 50;
/** Axis values of a heat map. */
const mostLevels = 100;

/** Higher is better; -Infinity: the combination failed, or the figure is undefined. */
export function scoreOf(trial: StoredTrial, objective: Objective): number {
  const value = trial.measure?.[objective] ?? null;
  if (value === null) return -Infinity;
  return objective === "maxDrawdown" ? -value : value;
}

export function scoresOf(trial: StoredTrial, objectives: readonly Objective[]): number[] {
  return objectives.map((name) => scoreOf(trial, name));
}

interface Scored {
  trial: StoredTrial;
  scores: number[];
}

export interface BestKeeper {
  take(trial: StoredTrial, scores: number[]): void;
  /** By the first objective, earlier trials first among equals. */
  best(): StoredTrial | null;
  top(): StoredTrial[];
}

/** Keeps the best 50 by the first objective, or with several the first 50 that none beats in all. */
export function createBestKeeper(objectives: number): BestKeeper {
  let kept: Scored[] = [];
  const byFirst = (a: Scored, b: Scored) => b.scores[0]! - a.scores[0]! || a.trial.number - b.trial.number;
  return {
    take(trial, scores) {
      if (scores.includes(-Infinity)) return;
      if (objectives > 1) {
        if (kept.some((one) => dominates(one.scores, scores))) return;
        kept = kept.filter((one) => !dominates(scores, one.scores));
      } else if (kept.length === mostKept && kept.at(-1)!.scores[0]! >= scores[0]!) return;
      kept.push({ trial, scores });
      kept.sort(byFirst);
      kept.length = Math.min(kept.length, mostKept);
    },
    best: () => kept[0]?.trial ?? null,
    top: () => kept.map(({ trial }) => trial),
  };
}

export interface HeatKeeper {
  take(values: ParameterValues, score: number): void;
  map(): HeatMap | null;
}

/** The best of an objective at the first two parameters that have several levels; null when there are no two. */
export function createHeatKeeper(
  space: readonly Parameter[],
  levelsOf: (parameter: Parameter) => number,
  objective: Objective,
): HeatKeeper {
  const axes = space.filter((parameter) => levelsOf(parameter) > 1).slice(0, 2);
  const [x, y] = axes;
  const cells = new Map<string, number>();
  const seen: Array<Map<string, number | string>> = [new Map(), new Map()];
  return {
    take(values, score) {
      if (x === undefined || y === undefined || score === -Infinity) return;
      const pair = [binned(x, values[x.name]!), binned(y, values[y.name]!)];
      pair.forEach((value, k) => seen[k]!.set(String(value), value));
      const key = pair.join(" ");
      cells.set(key, Math.max(cells.get(key) ?? -Infinity, score));
    },
    map() {
      if (x === undefined || y === undefined) return null;
      const [xs, ys] = seen.map((values) => [...values.values()].sort(compare));
      return {
        x: { name: x.name, values: xs! },
        y: { name: y.name, values: ys! },
        cells: ys!.map((v) => xs!.map((u) => valueOf(cells.get(`${u} ${v}`), objective))),
      };
    },
  };
}

/** The figure that a score stands for. */
function valueOf(score: number | undefined, objective: Objective): number | null {
  if (score === undefined) return null;
  return objective === "maxDrawdown" ? 0 - score : score;
}

const compare = (a: number | string, b: number | string) =>
  typeof a === "number" && typeof b === "number" ? a - b : String(a) < String(b) ? -1 : 1;

/** A range without steps, or with too many, is cut into bins; a value is then its bin's start. */
function binned(parameter: Parameter, value: number | string): number | string {
  if ("values" in parameter || typeof value === "string") return value;
  const width = (parameter.to - parameter.from) / mostLevels;
  if (parameter.step !== undefined && parameter.step >= width) return value;
  return Number((parameter.from + Math.floor((value - parameter.from) / width) * width).toPrecision(6));
}
