import type { Ast, Expression } from "./ast.ts";

const POWER: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  "<": 4,
  "<=": 4,
  ">": 4,
  ">=": 4,
  "==": 4,
  "!=": 4,
  "+": 5,
  "-": 5,
  "*": 6,
  "/": 6,
  "%": 6,
  "^": 8,
};

function powerOf(e: Expression): number {
  if (e.kind === "binary") return POWER[e.operator]!;
  if (e.kind === "unary") return e.operator === "not" ? 3 : 7;
  if (e.kind === "number" && (e.value < 0 || Object.is(e.value, -0))) return 7;
  return 9;
}

function quoted(text: string): string {
  return text.includes('"') ? `'${text}'` : `"${text}"`;
}

function write(e: Expression): string {
  const inside = (x: Expression, least: number): string => (powerOf(x) < least ? `(${write(x)})` : write(x));
  switch (e.kind) {
    case "number":
      return Object.is(e.value, -0) ? "-0" : String(e.value);
    case "string":
      return quoted(e.value);
    case "name":
      return e.name;
    case "hole":
      return `{${e.name}}`;
    case "unary":
      return e.operator === "not" ? `not ${inside(e.of, 3)}` : `-${inside(e.of, 8)}`;
    case "binary": {
      const power = POWER[e.operator]!;
      const [left, right] = e.operator === "^" ? [9, 7] : power === 4 ? [5, 5] : [power, power + 1];
      return `${inside(e.left, left)} ${e.operator} ${inside(e.right, right)}`;
    }
    case "call": {
      const named = e.named.map((n) => `${n.name}: ${write(n.value)}`);
      return `${e.name}(${[...e.args.map(write), ...named].join(", ")})`;
    }
    case "instrument":
      return `${inside(e.of, 9)}[${quoted(e.symbol)}]`;
    case "output":
      return `${inside(e.of, 9)}.${e.output}`;
  }
}

/** The canonical text of a formula: one spacing, no needless brackets, `and`, `or`, `not` in words. */
export function formatFormula(formula: Ast): string {
  return write(formula.root);
}
