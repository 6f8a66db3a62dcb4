import { evaluateFormulas, parseFormula } from "@tapedeck/formula";
import type { Dataset, Expression } from "@tapedeck/formula";
import type { ConditionReport } from "./contract.ts";
import { countTrue, reportCondition } from "./domain.ts";
import type { CompiledStrategy, ConditionName, Dropped } from "./domain.ts";

/** Why something was never true, with a report of each part of a condition. */
export interface Never {
  why: string;
  parts: ConditionReport[];
}

/** Why a run has no trade: which entry, or which part of it, was never true, or what kept it from being filled. */
export function explainNoTrade(
  strategy: { side: CompiledStrategy["side"]; formulas: Readonly<Record<string, string>> },
  columns: Partial<Record<ConditionName, Uint8Array>>,
  data: Dataset,
  dropped: Dropped,
): Never {
  const parts: ConditionReport[] = [];
  const reasons: string[] = [];
  const entries = strategy.side === "both" ? (["entry", "shortEntry"] as const) : (["entry"] as const);
  for (const name of entries) {
    const formula = strategy.formulas[name];
    const column = columns[name];
    if (formula === undefined || column === undefined) continue;
    const { trueBars, first } = countTrue(column);
    if (trueBars === 0) {
      const never = explainNever(name, formula, [data]);
      reasons.push(never.why);
      parts.push(...never.parts);
    } else if (first === data.length - 1) {
      reasons.push(`${name} was true only at the last bar, after which there is no open to fill at.`);
    }
  }
  const fills: Array<[number, string]> = [
    [dropped.cash, "the cash did not pay for the quantity and its fee"],
    [dropped.lot, "the quantity rounds down to zero lots"],
    [dropped.minNotional, "it was below the least notional of the venue"],
    [dropped.price, "the open was not above zero"],
  ];
  for (const [count, why] of fills) {
    if (count > 0)
      reasons.push(`${count} ${count === 1 ? "entry was" : "entries were"} dropped because ${why}.`);
  }
  if (reasons.length === 0)
    reasons.push("Both entries were true at the same bars only, and contradict each other.");
  return { why: reasons.join(" "), parts };
}

/** Why a condition was true at none of the closes of these instruments: which of its parts never was, and what of it has no value. */
export function explainNever(name: string, formula: string, of: readonly Dataset[]): Never {
  const closes = of.reduce((sum, { length }) => sum + length, 0);
  const whole = parseFormula(formula);
  const textOf = ({ span }: Expression) => whole.text.slice(span.start, span.start + span.length);
  const conjuncts = conjunctsOf(whole.root);
  if (conjuncts.length < 2) {
    const without = valueless(whole.root, textOf, of);
    return { why: `${name} (${formula}) was true at none of ${closes} closes${without}.`, parts: [] };
  }
  const parts = conjuncts.map((part) => countAll(name, textOf(part), of));
  const never = conjuncts.filter((_, k) => parts[k]!.trueBars === 0);
  const why =
    never.length > 0
      ? `${name} was never true: ${never.map((part) => `its part ${textOf(part)} was true at none of ${closes} closes${valueless(part, textOf, of)}`).join(", and ")}.`
      : `${name} was never true: each of its parts was at times (${parts.map((part) => `${part.formula}: ${part.trueBars}`).join("; ")}), but never all at the same close.`;
  return { why, parts };
}

/** The operands of the outermost `and`s; itself when there is none. */
function conjunctsOf(node: Expression): Expression[] {
  return node.kind === "binary" && node.operator === "and"
    ? [...conjunctsOf(node.left), ...conjunctsOf(node.right)]
    : [node];
}

/** How often a part was true, all instruments together. */
function countAll(name: string, text: string, of: readonly Dataset[]): ConditionReport {
  const reports = of.map((data) => {
    const [column] = evaluateFormulas([text], data);
    return reportCondition(`${name}: ${text}`, text, column as Uint8Array, data.closeMs);
  });
  const firsts = reports.flatMap(({ firstTrueMs }) => firstTrueMs ?? []);
  return {
    ...reports[0]!,
    trueBars: reports.reduce((sum, { trueBars }) => sum + trueBars, 0),
    firstTrueMs: firsts.length === 0 ? null : Math.min(...firsts),
  };
}

/** `: x has no value at any of them` of the operands that have none; else nothing. */
function valueless(node: Expression, textOf: (node: Expression) => string, of: readonly Dataset[]): string {
  const operands = node.kind === "binary" ? [node.left, node.right] : node.kind === "call" ? node.args : [];
  const texts = operands.filter(({ kind }) => kind !== "string").map(textOf);
  const without = texts.filter((text) => of.every((data) => !hasValue(text, data)));
  return without.length === 0
    ? ""
    : `: ${without.join(" and ")} ${without.length === 1 ? "has" : "have"} no value (NaN) at any of them`;
}

/** Whether a formula has a value at any bar; a condition always has. */
export function hasValue(formula: string, data: Dataset): boolean {
  const [column] = evaluateFormulas([formula], data);
  return !(column instanceof Float64Array) || column.some((value) => !Number.isNaN(value));
}
