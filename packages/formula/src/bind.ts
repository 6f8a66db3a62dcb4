import type { Kernel, Param } from "@tapedeck/quant";
import { registry } from "@tapedeck/quant";
import type { Ast, BinaryOperator, Expression, Span } from "./ast.ts";
import { FormulaError, nearestName } from "./error.ts";
import type { Field, FunctionSpec, ValueType } from "./functions.ts";
import { DERIVED, FIELDS, FUNCTIONS, isField } from "./functions.ts";
import { sentimentSeries } from "./sentiment.ts";
import type { Timeframe } from "./timeframe.ts";
import { parseTimeframe } from "./timeframe.ts";

/** A checked expression: names resolved, types known, constants folded. */
export type Bound =
  | { readonly op: "constant"; readonly type: "scalar"; readonly value: number; readonly warmup: 0 }
  | { readonly op: "truth"; readonly type: "condition"; readonly value: boolean; readonly warmup: 0 }
  | {
      readonly op: "field";
      readonly type: "series";
      readonly field: Field;
      readonly symbol: string | undefined;
      readonly warmup: 0;
    }
  | {
      readonly op: "sentiment";
      readonly type: "series";
      /** By which the data holds it. */
      readonly series: string;
      /** Days. */
      readonly halfLife: number;
      readonly warmup: 0;
    }
  | {
      readonly op: "kernel";
      readonly type: "series";
      readonly kernel: Kernel;
      readonly p: readonly number[];
      readonly inputs: readonly Bound[];
      readonly output: number;
      readonly warmup: number;
    }
  | {
      readonly op: "apply";
      readonly type: "series" | "condition";
      readonly name: string;
      readonly args: readonly Bound[];
      readonly whole: number;
      readonly warmup: number;
    }
  | {
      readonly op: "timeframe";
      readonly type: "series" | "condition";
      readonly frame: Timeframe;
      readonly of: Bound;
      readonly warmup: number;
    };

export interface BindOptions {
  /** Allow kernels that look ahead: for charts only. */
  readonly allowLookAhead?: boolean;
  /** Length of the data's bars, where known: checks timeframes and counts their warm-up. */
  readonly timeframeMs?: number;
  /** Kernels by name; the registry where none are given. */
  readonly kernels?: ReadonlyMap<string, Kernel>;
  /** What the formula's holes stand for, by name. */
  readonly values?: Readonly<Record<string, number | string>>;
}

export interface Binding {
  readonly root: Bound;
  readonly instruments: readonly string[];
  /** Outputs of the root's kernel, the chosen one only where one is chosen. */
  readonly outputs: readonly string[];
  readonly lookAhead: boolean;
}

/** Names that stand for the usual window parameter. */
const WINDOW_NAMES = new Set(["period", "length", "window"]);
const MAX_SHIFT = 100_000;
const MAX_DAYS = 3_650;

function fail(span: Span, message: string, suggestion?: string): never {
  throw new FormulaError(message, span.start + 1, span.length, suggestion);
}

function fold(name: string, v: readonly number[]): number {
  const [a, b] = [v[0]!, v[1]!];
  switch (name) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "%":
      return a % b;
    case "^":
      return a ** b;
    case "neg":
      return -a;
    case "abs":
      return Math.abs(a);
    case "log":
      return a > 0 ? Math.log(a) : NaN;
    case "exp":
      return Math.exp(a);
    case "sqrt":
      return Math.sqrt(a);
    case "sign":
      return Math.sign(a);
    case "floor":
      return Math.floor(a);
    case "ceil":
      return Math.ceil(a);
    case "round":
      return Math.sign(a) * Math.round(Math.abs(a));
    case "min":
      return Math.min(...v);
    case "max":
      return Math.max(...v);
    case "coalesce":
      return Number.isNaN(a) ? b : a;
    default:
      throw new Error(`no constant rule for ${name}`);
  }
}

function compare(operator: BinaryOperator, a: number, b: number): boolean {
  if (operator === "<") return a < b;
  if (operator === "<=") return a <= b;
  if (operator === ">") return a > b;
  if (operator === ">=") return a >= b;
  return operator === "==" ? a === b : a !== b;
}

interface Scope {
  readonly symbol: string | undefined;
  readonly frame: Timeframe | undefined;
}

/** Resolves names and types of a parsed formula. Throws FormulaError at the place of the fault. */
export function bindFormula(ast: Ast, options: BindOptions = {}): Binding {
  const instruments = new Set<string>();
  const kernels = options.kernels ?? registry;
  let lookAhead = false;
  const worst = (args: readonly Bound[]): number => Math.max(0, ...args.map((a) => a.warmup));

  function number(e: Expression, scope: Scope): Bound {
    const b = bind(e, scope);
    if (b.type === "condition")
      fail(e.span, "expected a series or a number, not a condition: use if(condition, 1, 0)");
    return b;
  }

  function condition(e: Expression, scope: Scope): Bound {
    const b = bind(e, scope);
    if (b.type !== "condition")
      fail(e.span, `expected a condition, not a ${b.type}: compare it, as in x > 0`);
    return b;
  }

  function constant(e: Expression, scope: Scope, what: string): number {
    const b = bind(e, scope);
    if (b.op !== "constant") fail(e.span, `${what} must be a constant number`);
    return b.value;
  }

  function apply(
    name: string,
    type: "series" | "condition",
    args: readonly Bound[],
    whole = 0,
    extra = 0,
  ): Bound {
    return { op: "apply", type, name, args, whole, warmup: worst(args) + extra };
  }

  function bind(e: Expression, scope: Scope): Bound {
    switch (e.kind) {
      case "number":
        return { op: "constant", type: "scalar", value: e.value, warmup: 0 };
      case "string":
        return fail(
          e.span,
          "a string has no value here: only timeframes, choices and instruments are strings",
        );
      case "name":
        return named(e.name, e.span, scope);
      case "hole": {
        const value = options.values?.[e.name];
        if (typeof value === "number") return { op: "constant", type: "scalar", value, warmup: 0 };
        return fail(
          e.span,
          `{${e.name}} stands for no number: only a search gives values to names in braces`,
        );
      }
      case "unary": {
        if (e.operator === "not") {
          const of = condition(e.of, scope);
          if (of.op === "truth") return { ...of, value: !of.value };
          return apply("not", "condition", [of]);
        }
        const of = number(e.of, scope);
        if (of.op === "constant") return { ...of, value: -of.value };
        return apply("neg", "series", [of]);
      }
      case "binary":
        return binary(e, scope);
      case "instrument": {
        if (scope.symbol !== undefined) fail(e.symbolSpan, "an instrument is chosen twice");
        if (e.symbol === "") fail(e.symbolSpan, "the instrument has no name");
        instruments.add(e.symbol);
        return bind(e.of, { ...scope, symbol: e.symbol });
      }
      case "output":
        return output(e, scope);
      case "call":
        return call(e, scope, undefined);
    }
  }

  function named(name: string, span: Span, scope: Scope): Bound {
    if (isField(name)) return { op: "field", type: "series", field: name, symbol: scope.symbol, warmup: 0 };
    if (name === "true" || name === "false") {
      return { op: "truth", type: "condition", value: name === "true", warmup: 0 };
    }
    const kernel = kernels.get(name);
    if (kernel)
      return call({ kind: "call", name, nameSpan: span, args: [], named: [], span }, scope, undefined);
    if (FUNCTIONS.has(name)) fail(span, `${name} is a function: give it its arguments in brackets`);
    return unknown(name, span);
  }

  function unknown(name: string, span: Span): never {
    const known = [...FIELDS, ...DERIVED, ...FUNCTIONS.keys(), ...kernels.keys()];
    return fail(span, `${name} is neither a series nor a function`, nearestName(name, known));
  }

  function binary(e: Extract<Expression, { kind: "binary" }>, scope: Scope): Bound {
    if (e.operator === "and" || e.operator === "or") {
      return apply(e.operator, "condition", [condition(e.left, scope), condition(e.right, scope)]);
    }
    const left = number(e.left, scope);
    const right = number(e.right, scope);
    const compares = ["<", "<=", ">", ">=", "==", "!="].includes(e.operator);
    if (left.op === "constant" && right.op === "constant") {
      if (compares) {
        return {
          op: "truth",
          type: "condition",
          value: compare(e.operator, left.value, right.value),
          warmup: 0,
        };
      }
      return { ...left, value: fold(e.operator, [left.value, right.value]) };
    }
    return apply(e.operator, compares ? "condition" : "series", [left, right]);
  }

  function output(e: Extract<Expression, { kind: "output" }>, scope: Scope): Bound {
    let of = e.of;
    let inner = scope;
    if (of.kind === "instrument") {
      if (scope.symbol !== undefined) fail(of.symbolSpan, "an instrument is chosen twice");
      instruments.add(of.symbol);
      inner = { ...scope, symbol: of.symbol };
      of = of.of;
    }
    if (of.kind === "name" && kernels.has(of.name)) {
      of = { kind: "call", name: of.name, nameSpan: of.span, args: [], named: [], span: of.span };
    }
    if (of.kind !== "call") return fail(e.outputSpan, "only an indicator has outputs");
    return call(of, inner, { name: e.output, span: e.outputSpan });
  }

  type Call = Extract<Expression, { kind: "call" }>;
  type Chosen = { readonly name: string; readonly span: Span } | undefined;

  function call(e: Call, scope: Scope, chosen: Chosen): Bound {
    const frameArgument = e.named.find((n) => n.name === "timeframe");
    if (frameArgument) {
      const rest: Call = { ...e, named: e.named.filter((n) => n !== frameArgument) };
      if (frameArgument.value.kind !== "string") {
        fail(frameArgument.value.span, 'a timeframe is a string, as in timeframe: "1h"');
      }
      const frame = parseTimeframe(frameArgument.value.value);
      if (!frame)
        fail(frameArgument.value.span, "a timeframe is a number and s, m, h, d, w or mo, as in 15m or 1d");
      return framed(rest, frame, frameArgument.value.span, scope, chosen);
    }
    const kernel = kernels.get(e.name);
    if (kernel) return kernelCall(kernel, e, scope, chosen);
    const f = FUNCTIONS.get(e.name);
    if (!f) {
      if (isField(e.name))
        fail(e.nameSpan, `${e.name} is a series: leave the brackets out; the past is lag(${e.name}, 1)`);
      return unknown(e.name, e.nameSpan);
    }
    if (chosen) fail(chosen.span, `${f.name} has no outputs to choose from`);
    return functionCall(f, e, scope);
  }

  function framed(e: Call, frame: Timeframe, span: Span, scope: Scope, chosen: Chosen): Bound {
    if (scope.frame) {
      if (scope.frame.text === frame.text) return call(e, scope, chosen);
      fail(span, "a timeframe inside another timeframe must be the same");
    }
    const base = options.timeframeMs;
    if (base !== undefined) {
      if (frame.ms < base) fail(span, "the timeframe is finer than the data's bars");
      if (frame.months === 0 && frame.ms % base !== 0 && base < 86_400_000) {
        fail(span, "the timeframe is not a whole number of the data's bars");
      }
      if (frame.ms === base) return call(e, scope, chosen);
    }
    const of = call(e, { ...scope, frame }, chosen);
    if (of.type === "scalar") return of;
    const ratio = base === undefined ? 1 : Math.ceil(frame.ms / base);
    return { op: "timeframe", type: of.type, frame, of, warmup: (of.warmup + 1) * ratio + ratio - 2 };
  }

  function functionCall(f: FunctionSpec, e: Call, scope: Scope): Bound {
    if (e.named.length > 0 && f.repeat) fail(e.named[0]!.nameSpan, `${f.name} takes its arguments by place`);
    const given: (Expression | undefined)[] = [...e.args];
    for (const n of e.named) {
      const at = f.argNames.indexOf(n.name);
      if (at < 0) fail(n.nameSpan, `${f.name} has no argument ${n.name}`, nearestName(n.name, f.argNames));
      if (given[at]) fail(n.nameSpan, `${n.name} is given twice`);
      given[at] = n.value;
    }
    const most = f.repeat ? Infinity : f.args.length;
    const least = f.args.length - (f.fallback === undefined ? 0 : 1);
    const usage = `${f.name}(${f.argNames.join(", ")}${f.repeat ? ", ..." : ""})`;
    if (given.length > most) fail(given[f.args.length]!.span, `too many arguments: ${usage}`);
    for (let i = 0; i < least; i++) if (!given[i]) fail(e.span, `${f.argNames[i]} is missing: ${usage}`);
    if (f.args[0] === "instrument") return sentimentOf(given[0]!, given[1], f, scope);
    let whole = 0;
    const args: Bound[] = [];
    const count = Math.max(given.length, f.args.length);
    for (let i = 0; i < count; i++) {
      const kind = f.args[Math.min(i, f.args.length - 1)]!;
      const x = given[i];
      if (kind === "window" || kind === "shift") {
        const least1 = kind === "window" ? 1 : 0;
        whole = x ? constant(x, scope, f.argNames[i]!) : f.fallback!;
        if (!Number.isInteger(whole) || whole < least1 || whole > MAX_SHIFT) {
          const reason = kind === "shift" && whole < 0 ? ": the future is not known" : "";
          fail(
            x?.span ?? e.span,
            `${f.argNames[i]} must be a whole number from ${least1} to ${MAX_SHIFT}${reason}`,
          );
        }
      } else if (kind === "condition") args.push(condition(x!, scope));
      else args.push(number(x!, scope));
    }
    const allConstant = args.length > 0 && args.every((a) => a.op === "constant");
    if (allConstant && f.result === "number") {
      return {
        op: "constant",
        type: "scalar",
        value: fold(
          f.name,
          args.map((a) => (a.op === "constant" ? a.value : NaN)),
        ),
        warmup: 0,
      };
    }
    return apply(
      f.name,
      f.result === "condition" ? "condition" : "series",
      args,
      whole,
      f.warmup?.(whole) ?? 0,
    );
  }

  function sentimentOf(
    instrument: Expression,
    days: Expression | undefined,
    f: FunctionSpec,
    scope: Scope,
  ): Bound {
    if (instrument.kind !== "string" || instrument.value === "")
      fail(instrument.span, 'the instrument is a name in quotes, as in sentiment("AAPL")');
    if (scope.symbol !== undefined) fail(instrument.span, "an instrument is chosen twice");
    const halfLife = days === undefined ? f.fallback! : constant(days, scope, f.argNames[1]!);
    if (!(halfLife > 0 && halfLife <= MAX_DAYS))
      fail(days?.span ?? instrument.span, `halfLife must be above 0 and at most ${MAX_DAYS} days`);
    const series = sentimentSeries(instrument.value);
    instruments.add(series);
    return { op: "sentiment", type: "series", series, halfLife, warmup: 0 };
  }

  function kernelCall(kernel: Kernel, e: Call, scope: Scope, chosen: Chosen): Bound {
    if (kernel.lookAhead) {
      lookAhead = true;
      if (!options.allowLookAhead) {
        fail(
          e.nameSpan,
          `${kernel.name} looks ahead: it is for charts and may not be used in a rule, alert or answer`,
        );
      }
    }
    const bound = e.args.map((x) => argument(x, scope));
    let series = 0;
    while (series < bound.length && isSeries(bound[series]!)) series++;
    const inputs: (Bound | undefined)[] = kernel.inputs.map(() => undefined);
    const p: (number | undefined)[] = kernel.params.map(() => undefined);
    if (series > kernel.inputs.length) {
      fail(e.args[kernel.inputs.length]!.span, `too many series: ${signature(kernel)}`);
    }
    for (let i = 0; i < series; i++) inputs[i] = seriesOf(bound[i]!, e.args[i]!.span);
    for (let i = series; i < bound.length; i++) {
      const at = i - series;
      const q = kernel.params[at];
      if (!q) fail(e.args[i]!.span, `too many parameters: ${signature(kernel)}`);
      p[at] = parameter(q, e.args[i]!, scope);
    }
    for (const n of e.named) namedArgument(kernel, n.name, n.nameSpan, n.value, inputs, p, scope);
    const filled = inputs.map((x, i) => {
      if (x) return x;
      const name = kernel.inputs[i]!;
      if (!isField(name) || series > 0) {
        return fail(e.span, `the series ${name} is missing: ${signature(kernel)}`);
      }
      return { op: "field", type: "series", field: name, symbol: scope.symbol, warmup: 0 } as const;
    });
    const values = p.map((v, i) => v ?? kernel.params[i]!.default);
    try {
      kernel.check?.(values);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      fail(e.span, cause.message);
    }
    let at = 0;
    if (chosen) {
      at = kernel.outputs.indexOf(chosen.name);
      if (at < 0) {
        fail(
          chosen.span,
          `${kernel.name} has no output ${chosen.name} (it has ${kernel.outputs.join(", ")})`,
          nearestName(chosen.name, kernel.outputs),
        );
      }
    }
    const warmup = worst(filled) + kernel.warmup(values, at);
    return { op: "kernel", type: "series", kernel, p: values, inputs: filled, output: at, warmup };
  }

  function seriesOf(b: Bound | "string", span: Span): Bound {
    if (b === "string" || b.type !== "series")
      fail(span, `expected a series, not a ${b === "string" ? b : b.type}`);
    return b;
  }

  function argument(x: Expression, scope: Scope): Bound | "string" {
    return x.kind === "string" ? "string" : bind(x, scope);
  }

  function isSeries(x: Bound | "string"): x is Bound {
    return x !== "string" && x.op !== "constant";
  }

  function namedArgument(
    kernel: Kernel,
    name: string,
    span: Span,
    value: Expression,
    inputs: (Bound | undefined)[],
    p: (number | undefined)[],
    scope: Scope,
  ): void {
    let at = kernel.params.findIndex((q) => q.name === name);
    if (at < 0 && WINDOW_NAMES.has(name)) at = kernel.params.findIndex((q) => q.name === "n");
    if (at >= 0) {
      if (p[at] !== undefined) fail(span, `${name} is given twice`);
      p[at] = parameter(kernel.params[at]!, value, scope);
      return;
    }
    const input = kernel.inputs.indexOf(name);
    if (input < 0) {
      const known = [...kernel.params.map((q) => q.name), ...kernel.inputs, "timeframe"];
      fail(span, `${kernel.name} has no parameter ${name}`, nearestName(name, known));
    }
    if (inputs[input]) fail(span, `${name} is given twice`);
    inputs[input] = seriesOf(bind(value, scope), value.span);
  }

  function parameter(q: Param, x: Expression, scope: Scope): number {
    if (q.choices) {
      const choice = x.kind === "string" ? x.value : x.kind === "name" ? x.name : undefined;
      if (choice !== undefined) {
        const at = q.choices.indexOf(choice);
        if (at < 0)
          fail(x.span, `${q.name} is one of ${q.choices.join(", ")}`, nearestName(choice, q.choices));
        return at;
      }
    }
    if (x.kind === "string") fail(x.span, `${q.name} is a number`);
    const v = constant(x, scope, q.name);
    if (!(v >= q.min && v <= q.max)) fail(x.span, `${q.name} must be from ${q.min} to ${q.max}`);
    if (q.integer && !Number.isInteger(v)) fail(x.span, `${q.name} must be a whole number`);
    return v;
  }

  const root = bind(ast.root, { symbol: undefined, frame: undefined });
  const kernel = rootKernel(root);
  const explicit = ast.root.kind === "output";
  const outputs = kernel
    ? explicit
      ? [kernel.kernel.outputs[kernel.output]!]
      : kernel.kernel.outputs
    : ["value"];
  return { root, instruments: [...instruments], outputs, lookAhead };
}

function rootKernel(b: Bound): Extract<Bound, { op: "kernel" }> | undefined {
  if (b.op === "timeframe") return rootKernel(b.of);
  return b.op === "kernel" ? b : undefined;
}

/** How a kernel is called: series first, then parameters with their defaults. */
export function signature(kernel: Kernel): string {
  const params = kernel.params.map(
    (q) => `${q.name}: ${q.choices ? `"${q.choices[q.default]}"` : q.default}`,
  );
  return `${kernel.name}(${[...kernel.inputs, ...params].join(", ")})`;
}

export type { ValueType };
