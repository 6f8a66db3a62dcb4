import { parseFormula } from "@tapedeck/formula";
import type { Expression } from "@tapedeck/formula";
import { jitterNumber } from "@tapedeck/trading";
import type { BacktestPayload, Protection } from "../contract.ts";
import { conditionNames } from "../domain.ts";

type Varied = Pick<BacktestPayload, "strategy" | "protection">;

/** The payload with every number of its strategy and protection moved by up to `share` of itself; `params` are those of a named strategy. */
export function jitterPayload<P extends Varied>(
  payload: P,
  params: Readonly<Record<string, number | string>>,
  share: number,
  random: () => number,
): P {
  const moved = (value: number) => jitterNumber(value, share, random);
  return {
    ...payload,
    strategy: jitterStrategy(payload.strategy, params, moved),
    protection: jitterNumbers(payload.protection, moved) as Protection,
  };
}

function jitterStrategy(
  strategy: Varied["strategy"],
  params: Readonly<Record<string, number | string>>,
  moved: (value: number) => number,
): Varied["strategy"] {
  if (strategy.kind !== "rules") {
    return { ...strategy, params: jitterNumbers(params, moved) as Record<string, number> };
  }
  const texts = conditionNames.flatMap((name) => {
    const text = strategy[name];
    return text === undefined ? [] : [[name, jitterFormula(text, moved)] as const];
  });
  return { ...strategy, ...Object.fromEntries(texts) };
}

/** Every number in a value, however deep. */
function jitterNumbers(value: unknown, moved: (value: number) => number): unknown {
  if (typeof value === "number") return moved(value);
  if (Array.isArray(value)) return value.map((one) => jitterNumbers(one, moved));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, jitterNumbers(one, moved)]));
}

/** The formula with each of its numbers moved. */
export function jitterFormula(text: string, moved: (value: number) => number): string {
  const ast = parseFormula(text);
  let out = "";
  let at = 0;
  for (const { span, value } of numbersOf(ast.root)) {
    out += ast.text.slice(at, span.start) + String(moved(value));
    at = span.start + span.length;
  }
  return out + ast.text.slice(at);
}

type NumberNode = Extract<Expression, { kind: "number" }>;

/** In the order of the text. */
function numbersOf(root: Expression): NumberNode[] {
  const found: NumberNode[] = [];
  const visit = (node: Expression): void => {
    if (node.kind === "number") found.push(node);
    else if (node.kind === "unary" || node.kind === "instrument" || node.kind === "output") visit(node.of);
    else if (node.kind === "binary") {
      visit(node.left);
      visit(node.right);
    } else if (node.kind === "call") {
      node.args.forEach(visit);
      node.named.forEach(({ value }) => visit(value));
    }
  };
  visit(root);
  return found.sort((a, b) => a.span.start - b.span.start);
}

/** Are there numbers to move at all? */
export function hasNumbers(payload: Varied, params: Readonly<Record<string, number | string>>): boolean {
  let found = false;
  const look = (value: number) => {
    found = true;
    return value;
  };
  jitterStrategy(payload.strategy, params, look);
  jitterNumbers(payload.protection, look);
  return found;
}
