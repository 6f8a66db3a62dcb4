import { nearestName } from "@tapedeck/core";

/** A strategy as conditions in the formula language; absent ones are never true. */
export interface StrategyRules {
  title: string;
  side: "long" | "short" | "both";
  formulas: { entry: string; exit?: string; shortEntry?: string; shortExit?: string };
}

export interface StrategyParam {
  name: string;
  meaning: string;
  default: number | string;
  min?: number;
  max?: number;
  integer?: boolean;
  choices?: readonly string[];
}

export interface BuiltInStrategy {
  name: string;
  title: string;
  meaning: string;
  params: readonly StrategyParam[];
  /** Says what is wrong with the parameters together; undefined when nothing is. */
  check?(params: Record<string, number | string>): string | undefined;
  /** Writes the parameters into formulas and does nothing else with them. */
  rules(params: Record<string, number | string>): StrategyRules;
}

const length = (name: string, meaning: string, value: number): StrategyParam => ({
  name,
  meaning,
  default: value,
  min: 2,
  max: 5_000,
  integer: true,
});

export const builtInStrategies: readonly BuiltInStrategy[] = [
  {
    name: "buyAndHold",
    title: "Buy and hold",
    meaning: "Buys at the second bar's open and never sells.",
    params: [],
    rules: () => ({ title: "Buy and hold", side: "long", formulas: { entry: "close > 0" } }),
  },
  {
    name: "maCrossover",
    title: "Moving-average crossover",
    meaning:
      "Long while the fast average is above the slow one: buys when it crosses above, sells when it crosses below.",
    params: [
      length("fast", "Bars of the fast average", 50),
      length("slow", "Bars of the slow average", 200),
      { name: "average", meaning: "Kind of average", default: "sma", choices: ["sma", "ema", "wma"] },
    ],
    check: (p) => (Number(p["fast"]) < Number(p["slow"]) ? undefined : "fast must be below slow"),
    rules: (p) => {
      const pair = `${p["average"]}(close, ${p["fast"]}), ${p["average"]}(close, ${p["slow"]})`;
      return {
        title: `${String(p["average"]).toUpperCase()} crossover ${p["fast"]}/${p["slow"]}`,
        side: "long",
        formulas: { entry: `crossover(${pair})`, exit: `crossunder(${pair})` },
      };
    },
  },
  {
    name: "rsiMeanReversion",
    title: "RSI mean reversion",
    meaning: "Buys when the relative strength index falls below a level, sells when it is above another.",
    params: [
      length("length", "Bars of the index", 14),
      { name: "oversold", meaning: "Buys when the index crosses below it", default: 30, min: 1, max: 99 },
      { name: "exitAbove", meaning: "Sells when the index is above it", default: 55, min: 1, max: 99 },
    ],
    check: (p) =>
      Number(p["oversold"]) < Number(p["exitAbove"]) ? undefined : "oversold must be below exitAbove",
    rules: (p) => ({
      title: `RSI(${p["length"]}) mean reversion ${p["oversold"]}/${p["exitAbove"]}`,
      side: "long",
      formulas: {
        entry: `crossunder(rsi(close, ${p["length"]}), ${p["oversold"]})`,
        exit: `rsi(close, ${p["length"]}) > ${p["exitAbove"]}`,
      },
    }),
  },
  {
    name: "bollingerMeanReversion",
    title: "Bollinger mean reversion",
    meaning: "Buys when the close crosses below the lower band, sells when it is above the middle.",
    params: [
      length("length", "Bars of the bands", 20),
      {
        name: "width",
        meaning: "Half width in standard deviations (population)",
        default: 2,
        min: 0.1,
        max: 10,
      },
    ],
    rules: (p) => {
      const bands = `bbands(close, ${p["length"]}, ${p["width"]})`;
      return {
        title: `Bollinger mean reversion ${p["length"]}/${p["width"]}`,
        side: "long",
        formulas: { entry: `crossunder(close, ${bands}.lower)`, exit: `close > ${bands}.middle` },
      };
    },
  },
  {
    name: "bollingerBreakout",
    title: "Bollinger breakout",
    meaning: "Buys when the close crosses above the upper band, sells when it is below the middle.",
    params: [
      length("length", "Bars of the bands", 20),
      {
        name: "width",
        meaning: "Half width in standard deviations (population)",
        default: 2,
        min: 0.1,
        max: 10,
      },
    ],
    rules: (p) => {
      const bands = `bbands(close, ${p["length"]}, ${p["width"]})`;
      return {
        title: `Bollinger breakout ${p["length"]}/${p["width"]}`,
        side: "long",
        formulas: { entry: `crossover(close, ${bands}.upper)`, exit: `close < ${bands}.middle` },
      };
    },
  },
  {
    name: "donchianBreakout",
    title: "Donchian breakout",
    meaning:
      "Buys when the close is above the highest high of the bars before, sells when it is below their lowest low.",
    params: [
      length("entryLength", "Bars of the highest high", 20),
      length("exitLength", "Bars of the lowest low", 10),
    ],
    rules: (p) => ({
      title: `Donchian breakout ${p["entryLength"]}/${p["exitLength"]}`,
      side: "long",
      formulas: {
        entry: `close > lag(highest(high, ${p["entryLength"]}), 1)`,
        exit: `close < lag(lowest(low, ${p["exitLength"]}), 1)`,
      },
    }),
  },
];

/** The rules of a built-in, its parameters checked and completed. Throws RangeError with a message for people. */
export function builtInRules(name: string, given: Record<string, number | string>): StrategyRules {
  return strategyOf(name).rules(checkBuiltIn(name, given));
}

/**
 * The same with a hole `{name}` in the place of each parameter of `open`: with numbers in the holes it is what `builtInRules` gives,
 * since rules only write their parameters into formulas. `given` is checked and completed without the open ones.
 */
export function builtInTemplate(
  name: string,
  given: Record<string, number | string>,
  open: readonly string[],
): StrategyRules {
  const holes = Object.fromEntries(open.map((param) => [param, `{${param}}`]));
  const strategy = strategyOf(name);
  return strategy.rules({ ...completeParams(name, strategy.params, given), ...holes });
}

/** Parameters of a built-in, checked one by one and together, and completed. Throws RangeError with a message for people. */
export function checkBuiltIn(
  name: string,
  given: Record<string, number | string>,
): Record<string, number | string> {
  const strategy = strategyOf(name);
  const params = completeParams(name, strategy.params, given);
  const wrong = strategy.check?.(params);
  if (wrong !== undefined) throw new RangeError(`${name}: ${wrong}.`);
  return params;
}

function strategyOf(name: string): BuiltInStrategy {
  const strategy = builtInStrategies.find((candidate) => candidate.name === name);
  if (strategy === undefined) {
    const names = builtInStrategies.map((one) => one.name);
    const near = nearestName(name, names);
    throw new RangeError(
      `There is no strategy ${name}; there are ${names.join(", ")}.${near === undefined ? "" : ` Did you mean ${near}?`}`,
    );
  }
  return strategy;
}

/** What is given, checked one by one, with the defaults of the rest. Throws RangeError with a message for people, which begins with `owner`. */
export function completeParams<Value extends number | string>(
  owner: string,
  params: readonly StrategyParam[],
  given: Readonly<Record<string, Value>>,
): Record<string, Value> {
  const stray = Object.keys(given).find((key) => !params.some((param) => param.name === key));
  if (stray !== undefined) {
    const known = params.map((param) => param.name).join(", ");
    throw new RangeError(`${owner} has no parameter ${stray}; it has ${known || "none"}.`);
  }
  const complete: Record<string, Value> = {};
  for (const param of params) {
    complete[param.name] = checkParam(owner, param, given[param.name] ?? param.default) as Value;
  }
  return complete;
}

function checkParam(strategy: string, param: StrategyParam, value: number | string): number | string {
  if (param.choices !== undefined) {
    if (typeof value === "string" && param.choices.includes(value)) return value;
    throw new RangeError(`${strategy}: ${param.name} is one of ${param.choices.join(", ")}.`);
  }
  const low = param.min ?? -Infinity;
  const high = param.max ?? Infinity;
  const fits = typeof value === "number" && value >= low && value <= high;
  if (fits && (param.integer !== true || Number.isInteger(value))) return value;
  const kind = param.integer === true ? "a whole number" : "a number";
  throw new RangeError(`${strategy}: ${param.name} is ${kind} from ${low} to ${high}.`);
}
