/** Formulas kept under a name: a call of one stands for its text, with the call's arguments in the place of its parameters. */
import { registry } from "@tapedeck/quant";
import type { Ast, Expression, NamedArgument, Span } from "./ast.ts";
import { checkFormula } from "./check.ts";
import type { CheckedFormula, CheckOptions } from "./check.ts";
import { FormulaError } from "./error.ts";
import { formatFormula } from "./format.ts";
import { DERIVED, FIELDS, FUNCTIONS } from "./functions.ts";
import { MAX_LENGTH, parseFormula } from "./parse.ts";

export interface SavedFormula {
  readonly name: string;
  /** In the order of a call's arguments; a default is itself a formula, such as 14 or close. */
  readonly params: readonly { readonly name: string; readonly default: string }[];
  readonly formula: string;
}

/** Saved formulas by name. */
export type FormulaBook = ReadonlyMap<string, SavedFormula>;

const NAME = /^[a-z][a-z0-9_]{1,39}$/;
const PARAM = /^[a-z][A-Za-z0-9_]{0,39}$/;
const WORDS = new Set<string>([...FIELDS, ...DERIVED, "true", "false", "and", "or", "not", "timeframe"]);
const CONDITIONS = new Set(["<", "<=", ">", ">=", "==", "!=", "and", "or"]);
/** Parts that one formula may grow to. */
const MAX_NODES = 10_000;

function isBuiltIn(name: string): boolean {
  return WORDS.has(name) || FUNCTIONS.has(name) || registry.has(name);
}

interface Scope {
  /** What parameters stand for. */
  readonly given: ReadonlyMap<string, Expression>;
  /** The saved formulas that are being put in. */
  readonly within: readonly string[];
  /** The call that everything comes from; undefined in the text itself. */
  readonly at: Span | undefined;
}

type Call = Extract<Expression, { kind: "call" }>;

function partsOf(e: Expression): readonly Expression[] {
  switch (e.kind) {
    case "unary":
    case "instrument":
    case "output":
      return [e.of];
    case "binary":
      return [e.left, e.right];
    case "call":
      return [...e.args, ...e.named.map((n) => n.value)];
    case "number":
    case "string":
    case "name":
    case "hole":
      return [];
  }
}

/** Puts saved formulas into one expression; made anew for each, since it counts the parts. */
function createExpander(book: FormulaBook): (e: Expression, scope: Scope) => Expression {
  const bodies = new Map<string, Ast>();
  // an argument is one object wherever its parameter stands: written out, it counts each time
  const sizes = new WeakMap<Expression, number>();
  let visited = 0;

  function expand(e: Expression, scope: Scope): Expression {
    const span = scope.at ?? e.span;
    const made = ++visited > MAX_NODES ? undefined : rewrite(e, scope, span);
    const size = made && (sizes.get(made) ?? partsOf(made).reduce((sum, x) => sum + sizeOf(x), 1));
    if (made === undefined || size! > MAX_NODES)
      return fail(span, `the formula grows to more than ${MAX_NODES} parts when saved ones are put in`);
    sizes.set(made, size!);
    return made;
  }

  /** Parts that were not expanded themselves are single. */
  const sizeOf = (e: Expression): number => sizes.get(e) ?? 1;

  function rewrite(e: Expression, scope: Scope, span: Span): Expression {
    switch (e.kind) {
      case "number":
      case "string":
      case "hole":
        return { ...e, span };
      case "name": {
        const saved = bookEntry(e.name);
        return (
          scope.given.get(e.name) ??
          (saved
            ? putIn(saved, { ...e, kind: "call", nameSpan: e.span, args: [], named: [] }, scope)
            : { ...e, span })
        );
      }
      case "unary":
        return { ...e, of: expand(e.of, scope), span };
      case "binary":
        return { ...e, left: expand(e.left, scope), right: expand(e.right, scope), span };
      case "instrument":
        return { ...e, of: expand(e.of, scope), symbolSpan: scope.at ?? e.symbolSpan, span };
      case "output":
        return { ...e, of: expand(e.of, scope), outputSpan: scope.at ?? e.outputSpan, span };
      case "call": {
        const saved = bookEntry(e.name);
        if (saved) return putIn(saved, e, scope);
        return { ...e, ...argumentsOf(e, scope), nameSpan: scope.at ?? e.nameSpan, span };
      }
    }
  }

  const bookEntry = (name: string): SavedFormula | undefined =>
    isBuiltIn(name) ? undefined : book.get(name);

  function argumentsOf(e: Call, scope: Scope): { args: Expression[]; named: NamedArgument[] } {
    return {
      args: e.args.map((x) => expand(x, scope)),
      named: e.named.map((n) => ({
        ...n,
        nameSpan: scope.at ?? n.nameSpan,
        value: expand(n.value, scope),
      })),
    };
  }

  function putIn(saved: SavedFormula, e: Call, scope: Scope): Expression {
    const at = scope.at ?? e.span;
    if (scope.within.includes(saved.name)) fail(at, `${saved.name} uses itself`);
    const usage = `${saved.name}(${saved.params.map((q) => `${q.name}: ${q.default}`).join(", ")})`;
    const { args, named } = argumentsOf(e, scope);
    const inside = { within: [...scope.within, saved.name], at };
    if (args.length > saved.params.length)
      fail(args[saved.params.length]!.span, `too many arguments: ${usage}`);
    const given = new Map(args.map((x, i) => [saved.params[i]!.name, x]));
    let frame: NamedArgument | undefined;
    for (const n of named) {
      if (n.name === "timeframe") frame = n;
      else if (!saved.params.some((q) => q.name === n.name))
        fail(n.nameSpan, `${n.name} is no argument: ${usage}`);
      else if (given.has(n.name)) fail(n.nameSpan, `${n.name} is given twice`);
      else given.set(n.name, n.value);
    }
    for (const q of saved.params) {
      if (!given.has(q.name)) given.set(q.name, expand(parseDefault(q), { ...inside, given: new Map() }));
    }
    const body = bodies.get(saved.name) ?? parseFormula(saved.formula);
    bodies.set(saved.name, body);
    const root = expand(body.root, { ...inside, given });
    return frame ? onTimeframe(root, frame, at) : root;
  }

  return expand;
}

/**
 * A formula with every saved one put in: the tree needs no book any more, and errors in what was put in point at the
 * call. Throws FormulaError where arguments do not fit, a saved formula uses itself, or the whole grows too long.
 */
export function expandFormula(formula: string | Ast, book: FormulaBook): Ast {
  const ast = typeof formula === "string" ? parseFormula(formula) : formula;
  return expandWithin(ast, createExpander(book), { given: new Map(), within: [], at: undefined });
}

function expandWithin(ast: Ast, expand: ReturnType<typeof createExpander>, scope: Scope): Ast {
  const expanded = { text: ast.text, root: expand(ast.root, scope) };
  const { length } = formatFormula(expanded);
  if (length > MAX_LENGTH) {
    fail(
      ast.root.span,
      `the formula grows to ${length} characters when saved ones are put in; at most ${MAX_LENGTH}`,
    );
  }
  return expanded;
}

/** Throws FormulaError that names the parameter. */
function parseDefault({ name, default: text }: SavedFormula["params"][number]): Expression {
  try {
    return parseFormula(text).root;
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
    throw new FormulaError(`the default of ${name}: ${error.message}`, 1);
  }
}

/** A timeframe belongs to a call: what is none is wrapped in the value 0 bars ago. */
function onTimeframe(e: Expression, frame: NamedArgument, at: Span): Expression {
  if (e.kind === "call") return { ...e, named: [...e.named, frame] };
  const isCondition =
    e.kind === "binary" ? CONDITIONS.has(e.operator) : e.kind === "unary" && e.operator === "not";
  const zero: Expression = { kind: "number", value: 0, span: at };
  return {
    kind: "call",
    name: isCondition ? "was" : "lag",
    nameSpan: at,
    args: [e, zero],
    named: [frame],
    span: at,
  };
}

function fail(span: Span, message: string): never {
  throw new FormulaError(message, span.start + 1, span.length);
}

/**
 * Checks a formula before it is saved: its name and parameters, and its text at its defaults, other saved ones put in.
 * Throws FormulaError; its column is in the formula's text, or 1 where a name is at fault.
 */
export function checkSavedFormula(
  saved: SavedFormula,
  book: FormulaBook,
  options: CheckOptions = {},
): CheckedFormula {
  const nameFault = (message: string): never => fail({ start: 0, length: 1 }, message);
  if (!NAME.test(saved.name))
    nameFault(`the name ${saved.name} must be 2 to 40 lower-case letters, digits and _, a letter first`);
  if (isBuiltIn(saved.name)) nameFault(`${saved.name} is a name of the language already`);
  const names = saved.params.map((q) => q.name);
  for (const name of names) {
    if (!PARAM.test(name))
      nameFault(`the parameter ${name} must be letters, digits and _, a lower-case letter first`);
    if (isBuiltIn(name))
      nameFault(`the parameter ${name} has a meaning in the language already: call it otherwise`);
    if (names.indexOf(name) !== names.lastIndexOf(name)) nameFault(`the parameter ${name} is there twice`);
  }
  const expand = createExpander(new Map([...book, [saved.name, saved]]));
  const inside = { given: new Map<string, Expression>(), within: [saved.name] };
  const given = new Map(
    saved.params.map((q) => [q.name, expand(parseDefault(q), { ...inside, at: { start: 0, length: 1 } })]),
  );
  const body = expandWithin(parseFormula(saved.formula), expand, { ...inside, given, at: undefined });
  return checkFormula(body, options);
}

/** Names that a saved formula calls and that the language does not have: those of other saved formulas. */
export function callsOf(saved: SavedFormula): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (e: Expression): void => {
    if (e.kind === "name" || e.kind === "call") names.add(e.name);
    partsOf(e).forEach(visit);
  };
  visit(parseFormula(saved.formula).root);
  for (const q of saved.params) names.delete(q.name);
  for (const q of saved.params) visit(parseDefault(q));
  return new Set([...names].filter((name) => !isBuiltIn(name)));
}
