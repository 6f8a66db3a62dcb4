import { completeParams } from "../strategies.ts";
import type { StrategyParam } from "../strategies.ts";
import type { Stages } from "./stages.ts";
import { limitGross, stagedStrategy } from "./stages.ts";
import type { EngineStrategy, StrategyContext } from "./strategy.ts";
import { memberSelector } from "./universe.ts";
import type { Universe } from "./universe.ts";

type Params = Readonly<Record<string, number>>;

/** A strategy over several instruments, by name. */
export interface PortfolioStrategy {
  name: string;
  title: string;
  meaning: string;
  params: readonly StrategyParam[];
  /** Fewest and most instruments. */
  instruments: readonly [number, number];
  /** May a universe choose among them? */
  screens: boolean;
  create(params: Params, universe?: Universe): EngineStrategy;
}

/** The universe stage and the formulas that it reads; all instruments with a price where nothing else is said. */
function universeStage(universe: Universe | undefined): {
  features: string[];
  universe: NonNullable<Stages["universe"]>;
} {
  const features: string[] = [];
  const select = memberSelector(universe ?? {}, (formula) => features.push(formula) - 1);
  return { features, universe: select };
}

const count = (name: string, meaning: string, value: number, min = 1): StrategyParam => ({
  name,
  meaning,
  default: value,
  min,
  max: 5_000,
  integer: true,
});
const number = (name: string, meaning: string, value: number, min: number, max: number): StrategyParam => ({
  name,
  meaning,
  default: value,
  min,
  max,
});
const every = count("every", "Decisions between two rebalances", 21);
const invested = number("invested", "Share of the equity that is invested", 0.98, 0.01, 10);

/** True at the first decision at which `ready` is, and at every `bars`-th after it. */
function periodic(bars: number, ready: (context: StrategyContext) => boolean): NonNullable<Stages["due"]> {
  let waited = -1;
  return (context) => {
    if (waited < 0 && !ready(context)) return false;
    waited = (waited + 1) % bars;
    return waited === 0;
  };
}

const enoughBars = (bars: number) => (context: StrategyContext) =>
  context.instruments.every((_, k) => context.bars(k) > bars);
const someHasBars = (bars: number) => (context: StrategyContext) =>
  context.instruments.some((_, k) => context.bars(k) > bars);

/** Standard deviation (ddof 0) of the last `bars` simple returns; NaN while there are fewer. */
function volatilityOf(context: StrategyContext, k: number, bars: number): number {
  let sum = 0;
  let squares = 0;
  for (let back = 0; back < bars; back++) {
    const r = context.close(k, back) / context.close(k, back + 1) - 1;
    sum += r;
    squares += r * r;
  }
  return Math.sqrt(Math.max(0, squares / bars - (sum / bars) ** 2));
}

const nothing: Stages["alpha"] = () => undefined;

const equalWeight: PortfolioStrategy = {
  name: "equalWeight",
  title: "Equal weights",
  meaning: "Holds every instrument with the same weight and brings the weights back from time to time.",
  params: [every, invested],
  instruments: [1, 500],
  screens: true,
  create: (p, chosen) => {
    const { features, universe } = universeStage(chosen);
    return stagedStrategy("Equal weights", features, {
      due: periodic(p["every"]!, someHasBars(0)),
      universe,
      alpha: nothing,
      portfolio: (_context, weights, _scores, members) => {
        const held = members.reduce((sum, member) => sum + member, 0);
        if (held > 0)
          for (let k = 0; k < weights.length; k++) weights[k] = (p["invested"]! * members[k]!) / held;
      },
    });
  },
};

const momentumRotation: PortfolioStrategy = {
  name: "momentumRotation",
  title: "Momentum rotation",
  meaning:
    "Holds the instruments that rose most over a window, in equal parts; those that fell are left out.",
  params: [count("window", "Bars of the rise", 126), count("hold", "Instruments held", 3), every, invested],
  instruments: [2, 500],
  screens: true,
  create: (p, chosen) => {
    const { features, universe } = universeStage(chosen);
    return stagedStrategy("Momentum rotation", features, {
      due: periodic(p["every"]!, someHasBars(p["window"]!)),
      universe,
      alpha: (context, scores) => {
        for (let k = 0; k < scores.length; k++) {
          scores[k] = context.close(k) / context.close(k, p["window"]!) - 1;
        }
      },
      portfolio: (_context, weights, scores) => {
        const risen = [...scores.keys()].filter((k) => scores[k]! > 0);
        risen.sort((a, b) => scores[b]! - scores[a]! || a - b);
        for (const k of risen.slice(0, p["hold"]!)) weights[k] = p["invested"]! / p["hold"]!;
      },
    });
  },
};

const riskParity: PortfolioStrategy = {
  name: "riskParity",
  title: "Risk parity",
  meaning: "Holds every instrument so that each adds the same to the portfolio's volatility.",
  params: [count("window", "Bars of the covariance", 126, 20), every, invested],
  instruments: [2, 100],
  screens: false,
  create: (p) =>
    stagedStrategy("Risk parity", [], {
      due: periodic(p["every"]!, enoughBars(p["window"]!)),
      alpha: nothing,
      portfolio: (context, weights) => {
        const shares = equalRiskShares(covarianceOf(context, p["window"]!), weights.length);
        for (let k = 0; k < weights.length; k++) weights[k] = p["invested"]! * shares[k]!;
      },
    }),
};

/** Of the last `bars` returns, `[n, n]`, ddof 0. */
function covarianceOf(context: StrategyContext, bars: number): Float64Array {
  const n = context.instruments.length;
  const returns = context.instruments.map((_, k) =>
    Float64Array.from(
      { length: bars },
      (_row, back) => context.close(k, back) / context.close(k, back + 1) - 1,
    ),
  );
  const means = returns.map((column) => column.reduce((sum, r) => sum + r, 0) / bars);
  const covariance = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let t = 0; t < bars; t++) sum += (returns[i]![t]! - means[i]!) * (returns[j]![t]! - means[j]!);
      covariance[i * n + j] = sum / bars;
      covariance[j * n + i] = sum / bars;
    }
  }
  return covariance;
}

/** Weights above zero that sum to 1 with equal risk contributions, by coordinate descent. Source: Griveau-Billion, Richard and Roncalli 2013. */
function equalRiskShares(covariance: Float64Array, n: number): Float64Array {
  const x = Float64Array.from({ length: n }, (_, i) => 1 / Math.sqrt(covariance[i * n + i]! || 1e-12));
  for (let round = 0; round < 500; round++) {
    let moved = 0;
    for (let i = 0; i < n; i++) {
      let others = 0;
      for (let j = 0; j < n; j++) if (j !== i) others += covariance[i * n + j]! * x[j]!;
      const variance = covariance[i * n + i]! || 1e-12;
      const next = (-others + Math.sqrt(others * others + (4 * variance) / n)) / (2 * variance);
      moved = Math.max(moved, Math.abs(next - x[i]!) / next);
      x[i] = next;
    }
    if (moved < 1e-12) break;
  }
  const total = x.reduce((sum, value) => sum + value, 0);
  return x.map((value) => value / total);
}

const volatilityTarget: PortfolioStrategy = {
  name: "volatilityTarget",
  title: "Volatility target",
  meaning:
    "Holds each instrument with the weight at which it would have a given volatility, an equal part of the target each.",
  params: [
    count("window", "Bars of the volatility", 21, 5),
    number("target", "Volatility a year", 0.1, 0.001, 2),
    number("barsPerYear", "Bars a year", 252, 1, 600_000),
    number("most", "Most weight of all together", 1, 0.01, 10),
    { ...every, default: 5 },
  ],
  instruments: [1, 500],
  screens: true,
  create: (p, chosen) => {
    const { features, universe } = universeStage(chosen);
    return stagedStrategy("Volatility target", features, {
      due: periodic(p["every"]!, enoughBars(p["window"]!)),
      universe,
      alpha: nothing,
      portfolio: (context, weights, _scores, members) => {
        const held = members.reduce((sum, member) => sum + member, 0);
        for (let k = 0; k < weights.length; k++) {
          const yearly = volatilityOf(context, k, p["window"]!) * Math.sqrt(p["barsPerYear"]!);
          weights[k] = yearly > 0 ? p["target"]! / yearly / held : 0;
        }
      },
      risk: limitGross(p["most"]!),
    });
  },
};

const pairsZScore: PortfolioStrategy = {
  name: "pairsZScore",
  title: "Pairs by z-score",
  meaning:
    "Sells the spread of two instruments (first and second by id) when it is far above its mean, buys it when far below, and leaves at the mean. Spread: log price of the first less hedge × log price of the second, hedge by least squares over the window.",
  params: [
    count("window", "Bars of mean, deviation and hedge", 60, 10),
    number("entry", "Enters beyond so many standard deviations", 2, 0.1, 10),
    number("exit", "Leaves within so many", 0.5, 0, 10),
    number("stop", "Leaves beyond so many", 4, 0.1, 100),
    number("leg", "Weight of each leg", 0.45, 0.01, 5),
  ],
  instruments: [2, 2],
  screens: false,
  create: (p) => {
    /** 1: the spread is held, -1: sold. */
    let side = 0;
    return {
      name: "Pairs by z-score",
      features: [],
      decide(context) {
        const window = p["window"]!;
        if (!context.closed(0) || !context.closed(1) || !enoughBars(window)(context)) return;
        const z = spreadScore(context, window);
        if (Number.isNaN(z)) return;
        const before = side;
        if (side !== 0 && (Math.abs(z) <= p["exit"]! || Math.abs(z) >= p["stop"]!)) side = 0;
        else if (side === 0 && Math.abs(z) >= p["entry"]! && Math.abs(z) < p["stop"]!) side = z > 0 ? -1 : 1;
        if (side === before) return;
        for (const k of [0, 1]) {
          const sign = k === 0 ? side : -side;
          context.target(sign === 0 ? 0 : context.unitsFor(sign * p["leg"]!, k), k);
        }
      },
    };
  },
};

/** The last spread in standard deviations (ddof 0) from its mean, the last bar among them. */
function spreadScore(context: StrategyContext, window: number): number {
  let sx = 0;
  let sy = 0;
  let sxx = 0;
  let sxy = 0;
  for (let back = 0; back < window; back++) {
    const y = Math.log(context.close(0, back));
    const x = Math.log(context.close(1, back));
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
  }
  const variance = sxx - (sx * sx) / window;
  if (!(variance > 0)) return Number.NaN;
  const hedge = (sxy - (sx * sy) / window) / variance;
  let sum = 0;
  let squares = 0;
  let last = 0;
  for (let back = window - 1; back >= 0; back--) {
    last = Math.log(context.close(0, back)) - hedge * Math.log(context.close(1, back));
    sum += last;
    squares += last * last;
  }
  const deviation = Math.sqrt(Math.max(0, squares / window - (sum / window) ** 2));
  return deviation > 1e-12 ? (last - sum / window) / deviation : Number.NaN;
}

const crossVenueArbitrage: PortfolioStrategy = {
  name: "crossVenueArbitrage",
  title: "Cross-venue arbitrage",
  meaning:
    "One thing on two venues: buys where it is cheap and sells short where it is dear when the prices are far enough apart, and leaves when they have met.",
  params: [
    number("entry", "Enters when the prices differ by this share", 0.005, 0.00001, 1),
    number("exit", "Leaves when they differ by less", 0.001, 0, 1),
    number("leg", "Weight of each leg", 0.45, 0.01, 5),
  ],
  instruments: [2, 2],
  screens: false,
  create: (p) => {
    let side = 0;
    return {
      name: "Cross-venue arbitrage",
      features: [],
      decide(context) {
        if (!context.closed(0) || !context.closed(1)) return;
        const gap = context.close(0) / context.close(1) - 1;
        const before = side;
        if (side !== 0 && (Math.abs(gap) <= p["exit"]! || gap * side > 0)) side = 0;
        else if (side === 0 && Math.abs(gap) >= p["entry"]!) side = gap > 0 ? -1 : 1;
        if (side === before) return;
        // The same number of units on both sides: what one loses the other gains.
        const units =
          side === 0 ? 0 : Math.min(context.unitsFor(p["leg"]!, 0), context.unitsFor(p["leg"]!, 1));
        context.target(side * units, 0);
        context.target(-side * units, 1);
      },
    };
  },
};

const twapEntry: PortfolioStrategy = {
  name: "twapEntry",
  title: "TWAP entry",
  meaning: "Buys each instrument in equal parts over so many bars, and holds.",
  params: [count("slices", "Bars over which it buys", 20), invested],
  instruments: [1, 500],
  screens: false,
  create: (p) => {
    const bought: number[] = [];
    return {
      name: "TWAP entry",
      features: [],
      decide(context) {
        const n = context.instruments.length;
        for (let k = 0; k < n; k++) {
          const done = bought[k] ?? 0;
          if (!context.closed(k) || done >= p["slices"]!) continue;
          bought[k] = done + 1;
          const quantity = context.unitsFor(p["invested"]! / n / p["slices"]!, k);
          if (quantity > 0) context.submit({ instrument: k, side: "buy", quantity });
        }
      },
    };
  },
};

export const portfolioStrategies: readonly PortfolioStrategy[] = [
  equalWeight,
  momentumRotation,
  riskParity,
  volatilityTarget,
  pairsZScore,
  crossVenueArbitrage,
  twapEntry,
];

/** A strategy by name with its parameters checked and completed. Throws RangeError with a message for people. */
export function createPortfolioStrategy(
  name: string,
  given: Params,
  instruments: number,
  universe?: Universe,
): { strategy: EngineStrategy; title: string; params: Params } {
  const found = portfolioStrategies.find((one) => one.name === name);
  if (found === undefined) {
    const names = portfolioStrategies.map((one) => one.name).join(", ");
    throw new RangeError(`There is no portfolio strategy ${name}; there are ${names}.`);
  }
  const [least, most] = found.instruments;
  if (instruments < least || instruments > most) {
    const wanted = least === most ? `${least}` : `${least} to ${most}`;
    throw new RangeError(`${name} takes ${wanted} instruments, not ${instruments}.`);
  }
  if (universe !== undefined && !found.screens) {
    const names = portfolioStrategies.filter((one) => one.screens).map((one) => one.name);
    throw new RangeError(
      `${name} trades all its instruments; a universe is for rules and ${names.join(", ")}.`,
    );
  }
  const params = completeParams(name, found.params, given);
  return { strategy: found.create(params, universe), title: found.title, params };
}
