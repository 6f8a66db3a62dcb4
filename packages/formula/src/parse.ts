import type { Ast, BinaryOperator, Expression, NamedArgument, Span } from "./ast.ts";
import { FormulaError } from "./error.ts";

/** Longest text and deepest nesting of a formula. */
export const MAX_LENGTH = 4000;
export const MAX_DEPTH = 100;

interface Token {
  readonly kind: "number" | "string" | "name" | "hole" | "symbol" | "end";
  readonly text: string;
  readonly span: Span;
}

const SPACE = /\s*/y;
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const HOLE = /\{[A-Za-z][A-Za-z0-9_]*\}/y;
const SYMBOL = /<=|>=|==|!=|&&|\|\||[-+*/%^<>!()[\],.:]/y;

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? "";
  };
  for (;;) {
    at += match(SPACE).length;
    if (at >= text.length) break;
    const start = at;
    const put = (kind: Token["kind"], value: string, length: number): void => {
      tokens.push({ kind, text: value, span: { start, length } });
      at += length;
    };
    const quote = text[at]!;
    if (quote === '"' || quote === "'") {
      const end = text.indexOf(quote, at + 1);
      if (end < 0)
        throw new FormulaError(`the string is not closed by ${quote}`, start + 1, text.length - start);
      put("string", text.slice(at + 1, end), end + 1 - at);
      continue;
    }
    const name = match(NAME);
    const number = match(NUMBER);
    const symbol = match(SYMBOL);
    const hole = match(HOLE);
    if (name) put("name", name, name.length);
    else if (number) {
      put("number", number, number.length);
      const glued = match(NAME);
      if (glued) throw new FormulaError(`a number cannot be followed by ${glued}`, at + 1, glued.length);
    } else if (symbol) put("symbol", symbol, symbol.length);
    else if (hole) put("hole", hole.slice(1, -1), hole.length);
    else if (quote === "=") throw new FormulaError("compare with ==, not =", start + 1);
    else throw new FormulaError(`the character ${quote} has no meaning here`, start + 1);
  }
  tokens.push({ kind: "end", text: "the end", span: { start: text.length, length: 1 } });
  return tokens;
}

const OPERATORS: Readonly<Record<string, readonly [operator: BinaryOperator, power: number]>> = {
  or: ["or", 1],
  "||": ["or", 1],
  and: ["and", 2],
  "&&": ["and", 2],
  "<": ["<", 4],
  "<=": ["<=", 4],
  ">": [">", 4],
  ">=": [">=", 4],
  "==": ["==", 4],
  "!=": ["!=", 4],
  "+": ["+", 5],
  "-": ["-", 5],
  "*": ["*", 6],
  "/": ["/", 6],
  "%": ["%", 6],
  "^": ["^", 8],
};
const NOT = 3;
const COMPARE = 4;
const MINUS = 7;
const POWER = 8;

function join(a: Span, b: Span): Span {
  return { start: a.start, length: b.start + b.length - a.start };
}

/** Parses a formula. Throws FormulaError at the place of the fault. */
export function parseFormula(text: string): Ast {
  if (text.length > MAX_LENGTH) {
    throw new FormulaError(
      `a formula has at most ${MAX_LENGTH} characters`,
      MAX_LENGTH + 1,
      text.length - MAX_LENGTH,
    );
  }
  const tokens = tokenize(text);
  let at = 0;
  let depth = 0;
  const peek = (): Token => tokens[at]!;
  const next = (): Token => tokens[at++]!;
  const fail = (t: Token, message: string): never => {
    throw new FormulaError(message, t.span.start + 1, t.span.length);
  };
  const shown = (t: Token): string => (t.kind === "end" ? "the end" : t.text);
  const expect = (symbol: string, after: string): Token => {
    const t = next();
    if (t.kind !== "symbol" || t.text !== symbol) fail(t, `expected ${symbol} ${after}, not ${shown(t)}`);
    return t;
  };

  function expression(power: number): Expression {
    if (++depth > MAX_DEPTH) fail(peek(), `the formula is nested deeper than ${MAX_DEPTH}`);
    let left = prefix();
    for (;;) {
      const t = peek();
      const known = t.kind === "symbol" || t.kind === "name" ? OPERATORS[t.text] : undefined;
      if (!known || !Object.hasOwn(OPERATORS, t.text)) break;
      const [operator, strength] = known;
      if (strength <= power) break;
      next();
      // ^ binds to the right; comparisons do not chain
      const right = expression(strength === POWER ? POWER - 1 : strength);
      const after = OPERATORS[peek().text];
      if (strength === COMPARE && peek().kind === "symbol" && after?.[1] === COMPARE) {
        fail(peek(), "comparisons do not chain: join them with and");
      }
      left = { kind: "binary", operator, left, right, span: join(left.span, right.span) };
    }
    depth--;
    return left;
  }

  function prefix(): Expression {
    const t = next();
    if (t.kind === "number") return suffix({ kind: "number", value: Number(t.text), span: t.span });
    if (t.kind === "string") return { kind: "string", value: t.text, span: t.span };
    if (t.kind === "hole") return { kind: "hole", name: t.text, span: t.span };
    if (t.kind === "symbol" && t.text === "(") {
      const inner = expression(0);
      const close = expect(")", "to close the bracket");
      return suffix({ ...inner, span: join(t.span, close.span) });
    }
    if (t.kind === "symbol" && (t.text === "-" || t.text === "+")) {
      const of = expression(MINUS);
      if (t.text === "+") return of;
      if (of.kind === "number") return { kind: "number", value: -of.value, span: join(t.span, of.span) };
      return { kind: "unary", operator: "-", of, span: join(t.span, of.span) };
    }
    if ((t.kind === "symbol" && t.text === "!") || (t.kind === "name" && t.text === "not")) {
      const of = expression(t.text === "!" ? MINUS : NOT);
      return { kind: "unary", operator: "not", of, span: join(t.span, of.span) };
    }
    if (t.kind === "name" && t.text !== "and" && t.text !== "or") {
      if (peek().kind === "symbol" && peek().text === "(") return suffix(call(t));
      return suffix({ kind: "name", name: t.text, span: t.span });
    }
    return fail(t, `expected a value, not ${shown(t)}`);
  }

  function suffix(of: Expression): Expression {
    let value = of;
    for (;;) {
      const t = peek();
      if (t.kind !== "symbol") return value;
      if (t.text === ".") {
        next();
        const name = next();
        if (name.kind !== "name") fail(name, "expected the name of an output after the dot");
        value = {
          kind: "output",
          of: value,
          output: name.text,
          outputSpan: name.span,
          span: join(of.span, name.span),
        };
      } else if (t.text === "[") {
        next();
        const symbol = next();
        if (symbol.kind !== "string") {
          fail(symbol, 'expected an instrument in quotes, as in close["IWM"]; the past is lag(close, 1)');
        }
        const close = expect("]", "after the instrument");
        value = {
          kind: "instrument",
          of: value,
          symbol: symbol.text,
          symbolSpan: symbol.span,
          span: join(of.span, close.span),
        };
      } else return value;
    }
  }

  function call(name: Token): Expression {
    next();
    const args: Expression[] = [];
    const named: NamedArgument[] = [];
    while (!(peek().kind === "symbol" && peek().text === ")")) {
      if (args.length + named.length > 0) expect(",", `between the arguments of ${name.text}`);
      const t = peek();
      const colon = tokens[at + 1];
      if (t.kind === "name" && colon?.kind === "symbol" && colon.text === ":") {
        at += 2;
        if (named.some((n) => n.name === t.text)) fail(t, `${t.text} is given twice`);
        named.push({ name: t.text, nameSpan: t.span, value: expression(0) });
      } else {
        if (named.length > 0) fail(t, "arguments by place come before arguments by name");
        args.push(expression(0));
      }
    }
    const close = next();
    return {
      kind: "call",
      name: name.text,
      nameSpan: name.span,
      args,
      named,
      span: join(name.span, close.span),
    };
  }

  const root = expression(0);
  const rest = peek();
  if (rest.kind !== "end") fail(rest, `expected an operator or the end, not ${shown(rest)}`);
  return { text, root };
}
