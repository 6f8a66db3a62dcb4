import { AppError } from "@tapedeck/core";
import { checkFormula, FormulaError } from "@tapedeck/formula";
import { builtInRules, signalBits } from "@tapedeck/trading";
import type { RuleSizing, RuleTerms, Simulation, SimulationSettings, StrategyRules } from "@tapedeck/trading";
import type { Instrument } from "../series/contract.ts";
import type { BacktestPayload, ConditionReport, Sizing, Strategy } from "./contract.ts";

export const conditionNames = ["entry", "exit", "shortEntry", "shortExit"] as const;
export type ConditionName = (typeof conditionNames)[number];

export interface CompiledStrategy {
  title: string;
  side: "long" | "short" | "both";
  /** Canonical text of each condition that there is. */
  formulas: Partial<Record<ConditionName, string>>;
  /** Bars before every condition has a value. */
  warmupBars: number;
  /** Other instruments that the formulas read. */
  symbols: string[];
}

/** The conditions of a strategy. Throws AppError `payload.invalid`. */
export function rulesOf(strategy: Strategy): StrategyRules {
  if (strategy.kind === "builtIn") {
    try {
      return builtInRules(strategy.name, strategy.params);
    } catch (error) {
      if (error instanceof RangeError) throw new AppError("payload.invalid", error.message);
      throw error;
    }
  }
  if (strategy.side !== "both" && (strategy.shortEntry ?? strategy.shortExit) !== undefined) {
    throw new AppError(
      "payload.invalid",
      'shortEntry and shortExit are for side "both"; with side "short" entry and exit are the short\'s.',
    );
  }
  const formulas: StrategyRules["formulas"] = { entry: strategy.entry };
  for (const name of ["exit", "shortEntry", "shortExit"] as const) {
    const text = strategy[name];
    if (text !== undefined) formulas[name] = text;
  }
  return { title: `Rules, ${strategy.side}`, side: strategy.side, formulas };
}

/** Checks every condition before anything runs. Throws AppError `formula.invalid` with the column, or `payload.invalid`. */
export function compileStrategy(strategy: Strategy, timeframeMs: number): CompiledStrategy {
  const rules = rulesOf(strategy);
  const formulas: CompiledStrategy["formulas"] = {};
  const symbols = new Set<string>();
  let warmupBars = 0;
  for (const name of conditionNames) {
    const text = rules.formulas[name];
    if (text === undefined) continue;
    const checked = checkCondition(name, text, timeframeMs);
    formulas[name] = checked.text;
    warmupBars = Math.max(warmupBars, checked.warmup);
    for (const symbol of checked.instruments) symbols.add(symbol);
  }
  return { title: rules.title, side: rules.side, formulas, warmupBars, symbols: [...symbols].sort() };
}

function checkCondition(name: string, text: string, timeframeMs: number) {
  try {
    return checkFormula(text, { expect: "condition", timeframeMs });
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
    throw new AppError("formula.invalid", `${name}: ${error.message} (column ${error.column}).`, {
      details: {
        formula: name,
        column: error.column,
        length: error.length,
        ...(error.suggestion === undefined ? {} : { suggestion: error.suggestion }),
      },
    });
  }
}

/** The lowest bit of four bytes. */
const ones = 0x01010101;

/** The conditions' columns (1: true) packed into one column of signal bits, which is written and returned. */
export function packSignals(
  side: CompiledStrategy["side"],
  columns: Partial<Record<ConditionName, Uint8Array>>,
  signals: Uint8Array,
): Uint8Array {
  // Four bars at a time.
  const wordsOf = (column: Uint8Array) =>
    new Int32Array(column.buffer, column.byteOffset, signals.length >> 2);
  const out = wordsOf(signals);
  signals.fill(0);
  const add = (column: Uint8Array | undefined, bit: number) => {
    if (column === undefined) return;
    const words = wordsOf(column);
    for (let i = 0; i < out.length; i++) out[i]! |= (words[i]! & ones) * bit;
    for (let i = out.length * 4; i < signals.length; i++) signals[i]! |= (column[i]! & 1) * bit;
  };
  if (side === "short") {
    add(columns.entry, signalBits.entryShort);
    add(columns.exit, signalBits.exitShort);
    return signals;
  }
  add(columns.entry, signalBits.entryLong);
  add(columns.exit, signalBits.exitLong);
  if (side === "both") {
    add(columns.shortEntry ?? columns.exit, signalBits.entryShort);
    add(columns.shortExit, signalBits.exitShort);
  }
  return signals;
}

/** What a run costs and begins with, whatever the strategy. */
export type MarketSettings = Omit<
  SimulationSettings,
  "sizing" | "stopLoss" | "takeProfit" | "trailingStop" | "maxBars"
>;

/** What an instrument asks of orders. */
export type TradingRules = Pick<Instrument, "lotSize" | "tickSize" | "minNotional">;

/** Throws AppError `payload.invalid`. */
export function marketOf(
  payload: Pick<BacktestPayload, "costs" | "initialCash" | "lotSize">,
  { lotSize, tickSize, minNotional }: TradingRules,
): MarketSettings {
  const { costs } = payload;
  const initialCash = Number(payload.initialCash);
  if (!(initialCash > 0)) throw new AppError("payload.invalid", "initialCash must be above zero.");
  const lot = Number(payload.lotSize ?? lotSize ?? "0");
  if (!(lot >= 0)) throw new AppError("payload.invalid", "lotSize must not be negative.");
  return {
    initialCash,
    lotSize: lot,
    tickSize: Number(tickSize ?? "0"),
    minNotional: Number(minNotional ?? "0"),
    feeRate: costs.feeBps / 10_000,
    feePerUnit: costs.feePerUnit,
    minFee: costs.minFee,
    slippageRate: costs.slippageBps / 10_000,
    slippagePerUnit: costs.slippagePerUnit,
  };
}

type Terms = Pick<BacktestPayload, "sizing" | "protection" | "innerPath" | "adjustment">;

const fastProtection = new Set(["stopLoss", "takeProfit", "trailingStop", "maxBars"]);

/** Sizes that are of the cash when the order fills. */
function cashSizing(sizing: Sizing): SimulationSettings["sizing"] | undefined {
  if (sizing.kind === "fractionOfEquity") return { kind: sizing.kind, value: sizing.fraction };
  if (sizing.kind === "fixedQuantity") return { kind: sizing.kind, value: Number(sizing.quantity) };
  if (sizing.kind === "fixedCash") return { kind: sizing.kind, value: Number(sizing.amount) };
  return undefined;
}

/** Does the single-instrument simulator know these terms? Otherwise the engine runs them: in prices as traded splits and dividends happen. */
export function isFast({ sizing, protection, innerPath, adjustment }: Terms): boolean {
  const names = Object.entries(protection).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  return (
    cashSizing(sizing) !== undefined &&
    innerPath === "pessimistic" &&
    adjustment !== "raw" &&
    names.every((name) => fastProtection.has(name))
  );
}

function checkedSizing(sizing: Sizing): RuleSizing {
  const ofCash = cashSizing(sizing);
  if (ofCash === undefined) return sizing as RuleSizing;
  if (!(ofCash.value > 0))
    throw new AppError("payload.invalid", `sizing: ${sizing.kind} must be above zero.`);
  return ofCash;
}

/** Settings of the simulator, for terms that are fast. Throws AppError `payload.invalid`. */
export function settingsOf(
  payload: Terms & Pick<BacktestPayload, "costs" | "initialCash" | "lotSize">,
  instrument: TradingRules,
): SimulationSettings {
  const sizing = cashSizing(payload.sizing);
  if (sizing === undefined || !isFast(payload)) {
    throw new RangeError("the simulator does not know these terms: they are the engine's");
  }
  checkedSizing(payload.sizing);
  const { protection } = payload;
  return {
    ...marketOf(payload, instrument),
    sizing,
    stopLoss: protection.stopLoss ?? 0,
    takeProfit: protection.takeProfit ?? 0,
    trailingStop: protection.trailingStop ?? 0,
    maxBars: protection.maxBars ?? 0,
  };
}

/** Exits and sizes of rules in the engine; `costPerSide` is a fraction of the price. Throws AppError `payload.invalid`. */
export function ruleTermsOf(
  { sizing, protection }: Pick<BacktestPayload, "sizing" | "protection">,
  costPerSide: number,
): RuleTerms {
  const { profitThreshold, ...exits } = protection;
  const stops = [
    exits.stopLoss,
    exits.trailingStop,
    exits.trailingAmount,
    exits.atrStop,
    exits.chandelier,
    exits.parabolic,
  ];
  if (sizing.kind === "fixedFractional" && stops.every((stop) => stop === undefined)) {
    throw new AppError(
      "payload.invalid",
      "The sizing fixedFractional risks a part of the equity between entry and stop: give the protection a stop (stopLoss, trailingStop, trailingAmount, atrStop, chandelier or parabolic).",
    );
  }
  return {
    ...exits,
    stopLoss: exits.stopLoss ?? 0,
    takeProfit: exits.takeProfit ?? 0,
    trailingStop: exits.trailingStop ?? 0,
    maxBars: exits.maxBars ?? 0,
    ...(profitThreshold === undefined ? {} : { profitThreshold: { ...profitThreshold, costPerSide } }),
    sizing: checkedSizing(sizing),
  };
}

export function countTrue(column: Uint8Array): { trueBars: number; first: number } {
  let trueBars = 0;
  let first = -1;
  for (let i = 0; i < column.length; i++) {
    if (column[i] === 0) continue;
    trueBars++;
    if (first < 0) first = i;
  }
  return { trueBars, first };
}

export function reportCondition(
  name: string,
  formula: string,
  column: Uint8Array,
  closeMs: Float64Array,
): ConditionReport {
  const { trueBars, first } = countTrue(column);
  return { name, formula, trueBars, firstTrueMs: first < 0 ? null : closeMs[first]! };
}

/** Entries that were not made, by reason. */
export type Dropped = Simulation["dropped"];
