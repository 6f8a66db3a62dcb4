import { FormulaError, formatFormula, nearestName, parseFormula } from "@tapedeck/formula";
import type { CheckedFormula, Expression } from "@tapedeck/formula";
import type * as Package from "technicalindicators";
import type { SeriesColumns } from "../../../series/contract.ts";

/**
 * The npm package technicalindicators as one more provider, for those who want its values: `ti.rsi(close, 14)` as a whole
 * formula of an analysis or chart. It sees all bars at once and keeps objects, so it is no part of the formula language:
 * rules, alerts and answers cannot use it. docs/indicators-compared.md says where its values differ from the references.
 */
type Inputs = Readonly<Record<string, number[]>>;
type Row = number | Readonly<Record<string, number | undefined>> | undefined;
type Column = Exclude<keyof SeriesColumns, "openMs" | "closeMs">;

interface ProviderFunction {
  readonly inputs: readonly Column[];
  readonly params: readonly { readonly name: string; readonly default: number }[];
  /** ["value"], or the members of the package's objects. */
  readonly outputs: readonly string[];
  calculate(all: typeof Package, x: Inputs, p: readonly number[]): readonly Row[];
}

const value = ["value"] as const;
const bars = ["high", "low", "close"] as const;
const period = (length: number) => [{ name: "period", default: length }];

/** What the package is asked, by the name after `ti.`; its own defaults. */
export const technicalIndicators: Readonly<Record<string, ProviderFunction>> = {
  sma: {
    inputs: ["close"],
    params: period(14),
    outputs: value,
    calculate: (all, { close }, [n]) => all.SMA.calculate({ period: n!, values: close! }),
  },
  ema: {
    inputs: ["close"],
    params: period(14),
    outputs: value,
    calculate: (all, { close }, [n]) => all.EMA.calculate({ period: n!, values: close! }),
  },
  wma: {
    inputs: ["close"],
    params: period(14),
    outputs: value,
    calculate: (all, { close }, [n]) => all.WMA.calculate({ period: n!, values: close! }),
  },
  wema: {
    inputs: ["close"],
    params: period(14),
    outputs: value,
    calculate: (all, { close }, [n]) => all.WEMA.calculate({ period: n!, values: close! }),
  },
  rsi: {
    inputs: ["close"],
    params: period(14),
    outputs: value,
    calculate: (all, { close }, [n]) => all.RSI.calculate({ period: n!, values: close! }),
  },
  macd: {
    inputs: ["close"],
    params: [
      { name: "fast", default: 12 },
      { name: "slow", default: 26 },
      { name: "signal", default: 9 },
    ],
    outputs: ["MACD", "signal", "histogram"],
    calculate: (all, { close }, [fastPeriod, slowPeriod, signalPeriod]) =>
      all.MACD.calculate({
        values: close!,
        fastPeriod: fastPeriod!,
        slowPeriod: slowPeriod!,
        signalPeriod: signalPeriod!,
        SimpleMAOscillator: false,
        SimpleMASignal: false,
      }) as Row[],
  },
  bollingerbands: {
    inputs: ["close"],
    params: [
      { name: "period", default: 20 },
      { name: "stdDev", default: 2 },
    ],
    outputs: ["upper", "middle", "lower", "pb"],
    calculate: (all, { close }, [n, stdDev]) =>
      all.BollingerBands.calculate({ period: n!, values: close!, stdDev: stdDev! }) as unknown as Row[],
  },
  atr: {
    inputs: bars,
    params: period(14),
    outputs: value,
    calculate: (all, { high, low, close }, [n]) =>
      all.ATR.calculate({ period: n!, high: high!, low: low!, close: close! }),
  },
  truerange: {
    inputs: bars,
    params: [],
    outputs: value,
    calculate: (all, { high, low, close }) =>
      all.TrueRange.calculate({ high: high!, low: low!, close: close! }),
  },
  adx: {
    inputs: bars,
    params: period(14),
    outputs: ["adx", "pdi", "mdi"],
    calculate: (all, { high, low, close }, [n]) =>
      all.ADX.calculate({ period: n!, high: high!, low: low!, close: close! }) as unknown as Row[],
  },
  stochastic: {
    inputs: bars,
    params: [
      { name: "period", default: 14 },
      { name: "signal", default: 3 },
    ],
    outputs: ["k", "d"],
    calculate: (all, { high, low, close }, [n, signalPeriod]) =>
      all.Stochastic.calculate({
        period: n!,
        signalPeriod: signalPeriod!,
        high: high!,
        low: low!,
        close: close!,
      }) as unknown as Row[],
  },
  williamsr: {
    inputs: bars,
    params: period(14),
    outputs: value,
    calculate: (all, { high, low, close }, [n]) =>
      all.WilliamsR.calculate({ period: n!, high: high!, low: low!, close: close! }),
  },
  cci: {
    inputs: bars,
    params: period(20),
    outputs: value,
    calculate: (all, { high, low, close }, [n]) =>
      all.CCI.calculate({ period: n!, high: high!, low: low!, close: close! }),
  },
  roc: {
    inputs: ["close"],
    params: period(12),
    outputs: value,
    calculate: (all, { close }, [n]) => all.ROC.calculate({ period: n!, values: close! }),
  },
  trix: {
    inputs: ["close"],
    params: period(18),
    outputs: value,
    calculate: (all, { close }, [n]) => all.TRIX.calculate({ period: n!, values: close! }),
  },
  psar: {
    inputs: ["high", "low"],
    params: [
      { name: "step", default: 0.02 },
      { name: "max", default: 0.2 },
    ],
    outputs: value,
    calculate: (all, { high, low }, [step, max]) =>
      all.PSAR.calculate({ step: step!, max: max!, high: high!, low: low! }),
  },
  awesomeoscillator: {
    inputs: ["high", "low"],
    params: [
      { name: "fast", default: 5 },
      { name: "slow", default: 34 },
    ],
    outputs: value,
    calculate: (all, { high, low }, [fastPeriod, slowPeriod]) =>
      all.AwesomeOscillator.calculate({
        high: high!,
        low: low!,
        fastPeriod: fastPeriod!,
        slowPeriod: slowPeriod!,
      }),
  },
  obv: {
    inputs: ["close", "volume"],
    params: [],
    outputs: value,
    calculate: (all, { close, volume }) => all.OBV.calculate({ close: close!, volume: volume! }),
  },
  adl: {
    inputs: ["high", "low", "close", "volume"],
    params: [],
    outputs: value,
    calculate: (all, { high, low, close, volume }) =>
      all.ADL.calculate({ high: high!, low: low!, close: close!, volume: volume! }),
  },
  mfi: {
    inputs: ["high", "low", "close", "volume"],
    params: period(14),
    outputs: value,
    calculate: (all, { high, low, close, volume }, [n]) =>
      all.MFI.calculate({ period: n!, high: high!, low: low!, close: close!, volume: volume! }),
  },
  forceindex: {
    inputs: ["close", "volume"],
    params: period(1),
    outputs: value,
    calculate: (all, { close, volume }, [n]) =>
      all.ForceIndex.calculate({ period: n!, close: close!, volume: volume! }),
  },
};

/** A call that was checked. */
export interface ProviderCall {
  readonly checked: CheckedFormula;
  /** One value a bar, `[n]`; NaN where the package gives none. */
  compute(columns: SeriesColumns): Promise<Float64Array>;
}

const prefix = /^\s*ti\s*\.\s*/;

export function isProviderCall(text: string): boolean {
  return prefix.test(text);
}

/** Reads `ti.macd(close, 12, 26, 9).signal`. Throws FormulaError at the place of the fault. */
export function readProviderCall(text: string): ProviderCall {
  const skipped = prefix.exec(text)![0].length;
  const fail = (message: string, at: { start: number; length: number }, suggestion?: string): never => {
    throw new FormulaError(message, at.start + 1, at.length, suggestion);
  };
  // blanks keep the columns of faults
  const ast = parseFormula(" ".repeat(skipped) + text.slice(skipped));
  const chosen = ast.root.kind === "output" ? ast.root : undefined;
  const call = chosen ? chosen.of : ast.root;
  if (call.kind !== "call") {
    return fail(
      "a call of the package technicalindicators stands alone, as in ti.rsi(close, 14)",
      ast.root.span,
    );
  }
  const names = Object.keys(technicalIndicators);
  const found = Object.hasOwn(technicalIndicators, call.name) ? technicalIndicators[call.name] : undefined;
  if (found === undefined)
    return fail(
      `ti has no ${call.name}; it has ${names.join(", ")}`,
      call.nameSpan,
      nearestName(call.name, names),
    );
  const { inputs, params } = readArguments(found, call, fail);
  const output = chosen?.output ?? found.outputs[0]!;
  if (!found.outputs.includes(output))
    return fail(
      `${call.name} has no output ${output} (it has ${found.outputs.join(", ")})`,
      chosen!.outputSpan,
    );
  return {
    checked: {
      type: "series",
      // the package states none
      warmup: 0,
      instruments: [],
      outputs: found.outputs,
      text: `ti.${formatFormula(ast)}`,
      lookAhead: false,
    },
    async compute(columns) {
      const all: typeof Package = await import("technicalindicators");
      const given = Object.fromEntries(
        found.inputs.map((name, i) => [name, Array.from(columns[inputs[i]!])]),
      );
      const rows = found.calculate(all, given, params);
      const { length } = columns.openMs;
      const first = length - rows.length;
      return Float64Array.from({ length }, (_, i) => (i < first ? NaN : numberOf(rows[i - first], output)));
    },
  };
}

function numberOf(row: Row, output: string): number {
  return (typeof row === "object" ? row[output] : row) ?? NaN;
}

/** Columns first, all or none of them; then numbers. */
function readArguments(
  found: ProviderFunction,
  call: Extract<Expression, { kind: "call" }>,
  fail: (message: string, at: { start: number; length: number }) => never,
): { inputs: readonly Column[]; params: number[] } {
  const usage = `ti.${call.name}(${[...found.inputs, ...found.params.map((q) => `${q.name}: ${q.default}`)].join(", ")})`;
  const series = call.args.filter((x) => x.kind === "name");
  if (call.named.length > 0) fail(`arguments go by place: ${usage}`, call.named[0]!.nameSpan);
  if (series.length > 0 && series.length !== found.inputs.length)
    fail(`other series are needed: ${usage}`, call.span);
  const columns: readonly string[] = ["open", "high", "low", "close", "volume"];
  const inputs = series.map((x) =>
    columns.includes(x.name) ? (x.name as Column) : fail(`${x.name} is no column of the bars`, x.span),
  );
  const numbers = call.args.slice(series.length);
  if (numbers.length > found.params.length)
    fail(`too many arguments: ${usage}`, numbers[found.params.length]!.span);
  const params = found.params.map((q, i) => {
    const x = numbers[i];
    if (x === undefined) return q.default;
    return x.kind === "number" && x.value > 0 ? x.value : fail(`${q.name} must be a number above 0`, x.span);
  });
  return { inputs: inputs.length > 0 ? inputs : found.inputs, params };
}
