import { items } from "./items.ts";
import type { Item } from "./items.ts";
import { metrics } from "./metrics.ts";
import type { FigureUnit } from "./metrics.ts";

/** A computation over items of a company's statements, each at a fiscal year. */
export type Expression =
  | { kind: "number"; value: number }
  /** `year` null: the year asked for. */
  | { kind: "item"; item: Item; year: number | null }
  | { kind: "binary"; op: "+" | "-" | "*" | "/"; left: Expression; right: Expression }
  /** Mean or difference of two years; `years` null: the year asked for and the one before. */
  | { kind: "average" | "change"; of: Expression; years: readonly [number, number] | null };

/** An item or measure found at the beginning of a text. */
export interface Named {
  name: string;
  unit: FigureUnit;
  expression: Expression;
  /** Characters that it takes. */
  length: number;
}

interface Word {
  pattern: RegExp;
  name: string;
  unit: FigureUnit;
  expression: Expression;
}

const startOf = (said: RegExp) => new RegExp(`^(?:${said.source})(?![\\p{L}\\p{N}])`, "u");
const vocabulary: Word[] = items.map((item) => ({
  pattern: startOf(item.said),
  name: item.name,
  unit: "money",
  expression: { kind: "item", item, year: null },
}));

/** The item or measure that a text begins with, in lower case; the longest wording wins, a measure before an item. */
export function namedAt(text: string): Named | null {
  let best: Named | null = null;
  for (const { pattern, name, unit, expression } of vocabulary) {
    const length = pattern.exec(text)?.[0].length ?? 0;
    if (length > 0 && (best === null || length > best.length || (length === best.length && unit !== "money")))
      best = { name, unit, expression, length };
  }
  return best;
}

const year = "(?:fy|fiscal(?: year)? ?)?((?:19|20)\\d\\d)";
const yearPair = new RegExp(`^(?:between|from|of) ${year} (?:and|to) ${year}\\b`);
const yearBefore = new RegExp(`^${year} `);
const yearAfter = new RegExp(`^(?:in|for|at the end of|of) ${year}\\b`);
const source = /^\((?:from )?[a-z ]*\)/;
const idle =
  /^(?:(?:the|total amount of|amount of|as of|at the end of)\b|from (?:the )?[a-z ]*statements?\b)/;
const sums: readonly (readonly [RegExp, "+" | "-"])[] = [
  [/^(?:\+|plus\b)/, "+"],
  [/^(?:[-–−]|less\b|minus\b)/, "-"],
];
const products: readonly (readonly [RegExp, "*" | "/"])[] = [
  [/^(?:\*|×|x\b|times\b|multiplied by\b)/, "*"],
  [/^(?:\/|÷|divided by\b|over\b)/, "/"],
];

/**
 * Reads a definition as people write it: "365 * (average inventory between FY2019 and FY2020) / FY2020 COGS",
 * "total current assets less total current liabilities". Null when a word of it is unknown: half understood is not
 * understood.
 */
export function parseDefinition(text: string): Expression | null {
  let rest = text.toLowerCase().replaceAll("’", "'").replaceAll(/\s+/g, " ").trim();

  function take(pattern: RegExp): RegExpExecArray | null {
    const match = pattern.exec(rest);
    if (match !== null) rest = rest.slice(match[0].length).trimStart();
    return match;
  }
  function skipIdle(): void {
    while (take(idle) !== null);
  }
  function pair(): [number, number] | null {
    const match = take(yearPair);
    return match === null ? null : [Number(match[1]), Number(match[2])];
  }
  function chain(
    next: () => Expression | null,
    signs: readonly (readonly [RegExp, "+" | "-" | "*" | "/"])[],
  ) {
    let left = next();
    while (left !== null) {
      const sign = signs.find(([pattern]) => pattern.test(rest));
      if (sign === undefined) break;
      take(sign[0]);
      const right: Expression | null = next();
      left = right === null ? null : { kind: "binary", op: sign[1], left, right };
    }
    return left;
  }
  const product = () => chain(factor, products);
  const sum = () => chain(product, sums);

  function bracket(): Expression | null {
    const inner = sum();
    return inner !== null && take(/^[)\]]/) !== null ? inner : null;
  }
  function overYears(kind: "average" | "change"): Expression | null {
    const of = factor();
    return of === null ? null : { kind, of, years: pair() };
  }
  function factor(): Expression | null {
    skipIdle();
    if (take(/^[([]/) !== null) return bracket();
    if (take(/^average (?:of )?/) !== null) return overYears("average");
    if (take(/^(?:year-over-year )?change in /) !== null) return overYears("change");
    const pinned = take(yearBefore);
    const number = pinned === null ? take(/^\d+(?:\.\d+)?/) : null;
    if (number !== null) return { kind: "number", value: Number(number[0]) };
    skipIdle();
    const named = namedAt(rest);
    if (named === null) return null;
    rest = rest.slice(named.length).trimStart();
    const after = take(yearAfter);
    take(source);
    const at = pinned?.[1] ?? after?.[1];
    return at === undefined ? named.expression : pin(named.expression, Number(at));
  }

  const parsed = sum();
  return parsed !== null && rest.replaceAll(/[.\s]/g, "") === "" ? parsed : null;
}

/** The same expression with every open year set. */
function pin(expression: Expression, at: number): Expression {
  switch (expression.kind) {
    case "number":
      return expression;
    case "item":
      return { ...expression, year: expression.year ?? at };
    case "binary":
      return { ...expression, left: pin(expression.left, at), right: pin(expression.right, at) };
    default:
      return { ...expression, years: expression.years ?? [at - 1, at] };
  }
}

/** The latest year that an expression pins; null when it pins none. */
export function lastYear(expression: Expression): number | null {
  switch (expression.kind) {
    case "number":
      return null;
    case "item":
      return expression.year;
    case "binary": {
      const left = lastYear(expression.left);
      const right = lastYear(expression.right);
      return left === null || right === null ? (left ?? right) : Math.max(left, right);
    }
    default:
      return expression.years?.[1] ?? lastYear(expression.of);
  }
}

/** Value at a year; null as soon as an item is missing or a divisor is 0. */
export function evaluate(
  expression: Expression,
  at: number,
  lookup: (item: Item, year: number) => number | null,
): number | null {
  switch (expression.kind) {
    case "number":
      return expression.value;
    case "item":
      return lookup(expression.item, expression.year ?? at);
    case "binary": {
      const left = evaluate(expression.left, at, lookup);
      const right = evaluate(expression.right, at, lookup);
      return left === null || right === null ? null : combine(expression.op, left, right);
    }
    default: {
      const [before, after] = expression.years ?? [at - 1, at];
      const first = evaluate(expression.of, before, lookup);
      const last = evaluate(expression.of, after, lookup);
      if (first === null || last === null) return null;
      return expression.kind === "average" ? (first + last) / 2 : last - first;
    }
  }
}

function combine(op: "+" | "-" | "*" | "/", left: number, right: number): number | null {
  switch (op) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return right === 0 ? null : left / right;
  }
}

// A measure may be defined by those before it.
for (const { name, said, definition, unit } of metrics) {
  const expression = parseDefinition(definition);
  if (expression === null) throw new Error(`The definition of ${name} does not parse: ${definition}`);
  vocabulary.push({ pattern: startOf(said), name, unit, expression });
}
