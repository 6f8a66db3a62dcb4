import { AppError } from "@tapedeck/core";
import { createConditionSearch, FormulaError } from "@tapedeck/formula";
import type { ConditionTemplate, Dataset } from "@tapedeck/formula";
import { builtInStrategies, builtInTemplate, checkBuiltIn } from "@tapedeck/trading";
import type { ParameterValues } from "@tapedeck/trading";
import type { BacktestPayload, Strategy } from "../contract.ts";
import { compileStrategy, conditionNames, packSignals, rulesOf } from "../domain.ts";
import type { ConditionName } from "../domain.ts";

/** Parameters that are settings of the simulation, not of the strategy. */
export const settingNames = ["stopLoss", "takeProfit", "trailingStop", "maxBars"] as const;
export const isSetting = (name: string) => (settingNames as readonly string[]).includes(name);

/** Computed columns kept between combinations. */
const mostBytes = 256 * 1024 * 1024;
/** Parsed templates kept: one for each combination of values that are texts. */
const mostTemplates = 256;

type Rules = Extract<Strategy, { kind: "rules" }>;
const hole = /\{([a-zA-Z][a-zA-Z0-9]*)\}/g;

/** Rules, and built-ins that are rules: their exits are the payload's. Others have exits of their own. */
export function takesProtection(strategy: BacktestPayload["strategy"]): strategy is Strategy {
  return (
    strategy.kind === "rules" ||
    (strategy.kind === "builtIn" && builtInStrategies.some((one) => one.name === strategy.name))
  );
}

/** A strategy with values in place of its parameters; what the strategy does not take is left for the settings. */
export function fillStrategy(strategy: Strategy, values: ParameterValues): Strategy {
  const own = ownValues(values);
  if (strategy.kind === "builtIn") return { ...strategy, params: { ...strategy.params, ...own } };
  const asText = textNames(strategy);
  return fillRules(strategy, (name) => {
    const value = own[name];
    // In brackets, so that a number below zero is one number.
    return typeof value === "number" && value < 0 && !asText.has(name) ? `(${value})` : value;
  });
}

const ownValues = (values: ParameterValues): ParameterValues =>
  Object.fromEntries(Object.entries(values).filter(([name]) => !isSetting(name)));

function fillRules(strategy: Rules, valueOf: (name: string) => number | string | undefined): Rules {
  const filled = { ...strategy };
  for (const name of conditionNames) {
    const text = strategy[name];
    if (text !== undefined)
      filled[name] = text.replaceAll(hole, (whole, p: string) => String(valueOf(p) ?? whole));
  }
  return filled;
}

/** Parameters that stand inside a string or a name (`"{n}h"`, `sma{n}`): their values are text. */
function textNames(strategy: Rules): Set<string> {
  const names = new Set<string>();
  for (const condition of conditionNames) {
    const text = strategy[condition] ?? "";
    for (const found of text.matchAll(hole)) {
      const [before, after] = [text.slice(0, found.index), text.slice(found.index + found[0].length)];
      const quoted =
        (before.match(/"/g)?.length ?? 0) % 2 === 1 || (before.match(/'/g)?.length ?? 0) % 2 === 1;
      if (quoted || /[\w.}]$/.test(before) || /^[\w.{(]/.test(after)) names.add(found[1]!);
    }
  }
  return names;
}

function checkValues(strategy: Strategy, values: ParameterValues): void {
  if (strategy.kind !== "builtIn") return;
  try {
    checkBuiltIn(strategy.name, { ...strategy.params, ...ownValues(values) });
  } catch (error) {
    if (error instanceof RangeError) throw new AppError("payload.invalid", error.message);
    throw error;
  }
}

interface Prepared {
  template: ConditionTemplate;
  names: ConditionName[];
  side: Rules["side"];
}

/**
 * Signal bits of a strategy by the values of its parameters, `[bars]`; the column is written again by the next call. Formulas are
 * parsed once, not for each combination. The function throws AppError when a combination is no strategy.
 */
export function createSignalSource(
  strategy: Strategy,
  data: Dataset,
): (values: ParameterValues) => Uint8Array {
  const search = createConditionSearch(data, mostBytes);
  const asText = strategy.kind === "rules" ? textNames(strategy) : new Set<string>();
  const prepared = new Map<string, Prepared>();
  const signals = new Uint8Array(data.length);

  const prepare = (values: ParameterValues): Prepared => {
    const isText = (name: string) => asText.has(name) || typeof values[name] === "string";
    const key = Object.keys(values)
      .filter(isText)
      .map((name) => `${name}=${values[name]}`)
      .join("&");
    const known = prepared.get(key);
    if (known !== undefined) return known;
    if (prepared.size === mostTemplates) prepared.clear();
    const own = ownValues(values);
    const { side, formulas } =
      strategy.kind === "builtIn"
        ? builtInTemplate(
            strategy.name,
            strategy.params,
            Object.keys(own).filter((name) => !isText(name)),
          )
        : rulesOf(fillRules(strategy, (name) => (isText(name) ? own[name] : undefined)));
    const names = conditionNames.filter((name) => formulas[name] !== undefined);
    const made = { template: search.prepare(names.map((name) => formulas[name]!)), names, side };
    prepared.set(key, made);
    return made;
  };

  return (values) => {
    checkValues(strategy, values);
    try {
      const { template, names, side } = prepare(values);
      const evaluated = template(values);
      const columns: Partial<Record<ConditionName, Uint8Array>> = {};
      names.forEach((name, k) => (columns[name] = evaluated[k]!));
      return packSignals(side, columns, signals);
    } catch (error) {
      // Said of the formula with its values in it, which is what a backtest of the combination would say.
      if (error instanceof FormulaError) compileStrategy(fillStrategy(strategy, values), data.timeframeMs);
      throw error;
    }
  };
}
