import { sentimentHalfLife } from "./sentiment.ts";

/** Functions of the language that are not kernels: they work on conditions, constants or the same bar. */
export type ValueType = "series" | "scalar" | "condition";

export interface FunctionSpec {
  readonly name: string;
  readonly meaning: string;
  /** What each argument must be: `number` is a series or a scalar, `instrument` a name in quotes, `days` a number above 0. */
  readonly args: readonly ("number" | "condition" | "window" | "shift" | "instrument" | "days")[];
  readonly argNames: readonly string[];
  /** Last argument may be repeated. */
  readonly repeat?: boolean;
  /** Default of the last argument: a window, a shift or days. */
  readonly fallback?: number;
  readonly result: "number" | "condition" | "series";
  /** Bars of warm-up that the function adds. */
  readonly warmup?: (whole: number) => number;
}

const number1 = (name: string, meaning: string): FunctionSpec => ({
  name,
  meaning,
  args: ["number"],
  argNames: ["x"],
  result: "number",
});

const LIST: readonly FunctionSpec[] = [
  number1("abs", "Size of a value without its sign."),
  number1("log", "Natural logarithm; NaN for values not above 0."),
  number1("exp", "e to the power of a value."),
  number1("sqrt", "Square root; NaN below 0."),
  number1("sign", "-1, 0 or 1 by the sign of a value."),
  number1("floor", "Largest whole number not above a value."),
  number1("ceil", "Smallest whole number not below a value."),
  number1("round", "Nearest whole number; halves away from zero."),
  {
    name: "min",
    meaning: "Smallest of its arguments on the same bar.",
    args: ["number", "number"],
    argNames: ["a", "b"],
    repeat: true,
    result: "number",
  },
  {
    name: "max",
    meaning: "Largest of its arguments on the same bar.",
    args: ["number", "number"],
    argNames: ["a", "b"],
    repeat: true,
    result: "number",
  },
  {
    name: "if",
    meaning:
      "The second argument where the condition holds, else the third; NaN where the condition is undefined.",
    args: ["condition", "number", "number"],
    argNames: ["condition", "then", "else"],
    result: "number",
  },
  {
    name: "coalesce",
    meaning: "The first value, or the second where the first is NaN.",
    args: ["number", "number"],
    argNames: ["a", "b"],
    result: "number",
  },
  {
    name: "isnan",
    meaning: "Whether a value is missing. Never undefined.",
    args: ["number"],
    argNames: ["x"],
    result: "condition",
  },
  {
    name: "lag",
    meaning: "The value k bars ago, k >= 0.",
    args: ["number", "shift"],
    argNames: ["x", "k"],
    fallback: 1,
    result: "series",
    warmup: (k) => k,
  },
  {
    name: "crossover",
    meaning: "a is above b, and was not on the bar before.",
    args: ["number", "number"],
    argNames: ["a", "b"],
    result: "condition",
    warmup: () => 1,
  },
  {
    name: "crossunder",
    meaning: "a is below b, and was not on the bar before.",
    args: ["number", "number"],
    argNames: ["a", "b"],
    result: "condition",
    warmup: () => 1,
  },
  {
    name: "count",
    meaning: "Number of the last n bars on which a condition held.",
    args: ["condition", "window"],
    argNames: ["condition", "n"],
    result: "series",
    warmup: (n) => n - 1,
  },
  {
    name: "any",
    meaning: "Whether a condition held on any of the last n bars.",
    args: ["condition", "window"],
    argNames: ["condition", "n"],
    result: "condition",
    warmup: (n) => n - 1,
  },
  {
    name: "all",
    meaning: "Whether a condition held on all of the last n bars.",
    args: ["condition", "window"],
    argNames: ["condition", "n"],
    result: "condition",
    warmup: (n) => n - 1,
  },
  {
    name: "was",
    meaning: "Whether a condition held k bars ago.",
    args: ["condition", "shift"],
    argNames: ["condition", "k"],
    fallback: 1,
    result: "condition",
    warmup: (k) => k,
  },
  {
    name: "barssince",
    meaning: "Bars since a condition last held, 0 on the bar itself; NaN before it first held.",
    args: ["condition"],
    argNames: ["condition"],
    result: "series",
  },
  {
    name: "valuewhen",
    meaning: "The value on the last bar on which a condition held; NaN before it first held.",
    args: ["condition", "number"],
    argNames: ["condition", "x"],
    result: "series",
  },
  {
    name: "sentiment",
    meaning:
      "Sentiment in [-1, 1] of what was published about an instrument by the bar's close; old news counts half after each halfLife days.",
    args: ["instrument", "days"],
    argNames: ["instrument", "halfLife"],
    fallback: sentimentHalfLife,
    result: "series",
  },
];

export const FUNCTIONS: ReadonlyMap<string, FunctionSpec> = new Map(LIST.map((f) => [f.name, f]));

/** Columns of a bar that a formula may name. */
export const FIELDS = ["open", "high", "low", "close", "volume"] as const;
/** Series made of a bar's columns. */
export const DERIVED = ["hl2", "hlc3", "ohlc4", "openMs", "closeMs"] as const;

export type Field = (typeof FIELDS)[number] | (typeof DERIVED)[number];

export function isField(name: string): name is Field {
  return (FIELDS as readonly string[]).includes(name) || (DERIVED as readonly string[]).includes(name);
}
