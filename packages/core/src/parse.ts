import * as z from "zod";
import { AppError } from "./errors.ts";
import { nearestName } from "./nearest.ts";

/** One thing wrong with a request, and where. */
export interface FieldError {
  in: "body" | "query" | "path" | "header";
  /** JSON pointer below `in`; "" is the whole. */
  path: string;
  message: string;
}

const maxFieldErrors = 50;
/** Of them in the sentence that people read. */
const toldErrors = 5;

type RawIssue = Parameters<z.core.$ZodErrorMap>[0];
type Issue = z.core.$ZodIssue;

const typeNames: Record<string, string> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
  null: "null",
  never: "left out",
};

const formatNames: Record<string, string> = {
  uuid: "a UUID",
  date: "a date such as 2020-01-31",
  datetime: "a time such as 2020-01-31T14:30:00Z",
  email: "an e-mail address",
  url: "an address such as https://example.org",
};

/** What a value is, without its text: it may be a secret. */
function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string") return value === "" ? "empty text" : "text";
  // What a query's text became that is no number.
  if (Number.isNaN(value)) return "text";
  if (typeof value === "number" || typeof value === "boolean") return `${typeof value} ${String(value)}`;
  return "an object";
}

function listOf(values: readonly unknown[]): string {
  const shown = values.slice(0, 20).map((value) => String(value));
  return values.length > shown.length
    ? `${shown.join(", ")} and ${values.length - shown.length} more`
    : shown.join(", ");
}

const measured: Record<string, readonly [whole: string, part: string]> = {
  string: ["text", "character"],
  array: ["a list", "item"],
  object: ["an object", "member"],
  record: ["an object", "member"],
};

function bounded(issue: Issue & { code: "too_small" | "too_big" }): string {
  const [limit, including, excluding] =
    issue.code === "too_small"
      ? [issue.minimum, "at least", "more than"]
      : [issue.maximum, "at most", "less than"];
  const side = `${issue.inclusive === false ? excluding : including} ${limit}`;
  const [whole, part] = measured[issue.origin] ?? [];
  return whole === undefined ? side : `${whole} of ${side} ${part}${Number(limit) === 1 ? "" : "s"}`;
}

/** What would have been right, to follow "must be". */
function allowed(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeNames[issue.expected] ?? `of type ${issue.expected}`;
    case "invalid_value":
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${listOf(issue.values)}`;
    case "invalid_format":
      return (
        formatNames[issue.format] ??
        (issue.format === "regex" ? `text of the form ${issue.pattern}` : `a valid ${issue.format}`)
      );
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    case "too_small":
    case "too_big":
      return bounded(issue);
    default:
      return issue.message;
  }
}

/** `, such as "100.25"`: the first example that a schema brings. */
function exampleOf(schema: RawIssue["inst"]): string {
  const examples =
    schema instanceof z.ZodType ? (schema.meta()?.["examples"] as readonly unknown[] | undefined) : undefined;
  return examples === undefined || examples.length === 0 ? "" : ` such as ${JSON.stringify(examples[0])}`;
}

/** Keys that an object schema, or a record of named keys, has; none where the schema is of another kind. */
function keysOf(schema: RawIssue["inst"]): string[] {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  return schema instanceof z.ZodRecord && schema.keyType instanceof z.ZodEnum
    ? schema.keyType.options.map(String)
    : [];
}

function unknownKeys(keys: readonly string[], known: readonly string[]): string {
  const told = keys.map((key) => {
    const near = nearestName(key, known);
    return near === undefined ? `"${key}"` : `"${key}" (did you mean "${near}"?)`;
  });
  const all = known.length === 0 ? "" : `; there are ${listOf(known)}`;
  return `has no member ${told.join(", ")}${all}`;
}

/** The kinds of a union that fewest of the members given do not fit: those that it lacks, or that name another kind. */
function nearestKinds(kinds: readonly Issue[][]): Issue[][] {
  const strayOf = (one: Issue): number => {
    if (one.code === "unrecognized_keys") return one.path.length === 0 ? one.keys.length : 0;
    return one.code === "invalid_value" && one.path.length === 1 ? 1 : 0;
  };
  const strayIn = (kind: readonly Issue[]) => kind.reduce((sum, one) => sum + strayOf(one), 0);
  const fewest = Math.min(...kinds.map(strayIn));
  return kinds.filter((kind) => strayIn(kind) === fewest);
}

/** The members of a union that fit best: those that fail deepest, else what any of them takes. */
function unionMessage(issue: Issue & { code: "invalid_union" }, got: string): string {
  const depth = (branch: readonly Issue[]): number => Math.max(...branch.map((one) => one.path.length));
  const deepest = nearestKinds(issue.errors).reduce<Issue[]>(
    (best, branch) => (best.length === 0 || depth(branch) > depth(best) ? branch : best),
    [],
  );
  const inside = deepest.find((one) => one.path.length > 0);
  if (inside !== undefined) return `${pathName(inside.path)} ${inside.message}`;
  // Of a branch only that which it lacks first: its type goes before its bounds.
  const choices = issue.errors.map((branch) => allowed(branch[0]!));
  return `must be ${[...new Set(choices)].join(" or ")}, not ${got}`;
}

/** zod's issue in plain words. Schemas that bring a message of their own keep it. */
const plainWords: z.core.$ZodErrorMap = (raw) => {
  const issue = raw as unknown as Issue;
  if (raw.code === "unrecognized_keys") return unknownKeys(raw.keys, keysOf(raw.inst));
  if (raw.code === "invalid_union" && raw.discriminator !== undefined) {
    const options = (raw as { options?: readonly unknown[] }).options ?? [];
    const member = (raw.input as Record<string, unknown> | undefined)?.[raw.discriminator];
    return chosenFrom(options, member);
  }
  if (raw.input === undefined) {
    const wanted = raw.code === "invalid_union" ? "" : `; it must be ${allowed(issue)}${exampleOf(raw.inst)}`;
    return `is missing${wanted}`;
  }
  if (raw.code === "invalid_value") return chosenFrom(raw.values, raw.input);
  if (raw.code === "invalid_union") return unionMessage(issue as never, kindOf(raw.input));
  if (raw.code === "too_small" || raw.code === "too_big")
    return `must be ${allowed(issue)}, not ${sizeOf(raw.input)}`;
  if (raw.code === "invalid_format") return `must be ${allowed(issue)}`;
  return raw.code === "invalid_type" || raw.code === "not_multiple_of"
    ? `must be ${allowed(issue)}${exampleOf(raw.inst)}, not ${kindOf(raw.input)}`
    : "is not valid";
};

function sizeOf(value: unknown): string {
  if (typeof value === "string" || Array.isArray(value)) return String(value.length);
  return typeof value === "number" ? String(value) : String(Object.keys(value as object).length);
}

/** A member of a closed set is no secret, so that what was written in its place is shown. */
function chosenFrom(options: readonly unknown[], value: unknown): string {
  const must = options.length === 1 ? `must be ${String(options[0])}` : `must be one of ${listOf(options)}`;
  if (value === undefined) return `is missing; it ${must}`;
  if (typeof value !== "string") return `${must}, not ${kindOf(value)}`;
  const near = nearestName(value, options.map(String));
  const hint = near === undefined || options.length === 1 ? "" : `; did you mean ${near}?`;
  return `${must}, not "${value.slice(0, 40)}"${hint}`;
}

function pointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** `source.columns[2]` */
function pathName(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (name, part) =>
      typeof part === "number" ? `${name}[${part}]` : name === "" ? String(part) : `${name}.${String(part)}`,
    "",
  );
}

export type Checked<T> =
  | { ok: true; value: T }
  /** `message` names up to five problems in plain words; `errors` has 50 at most. */
  | { ok: false; message: string; errors: FieldError[] };

/** `value` as the schema's output, or what is wrong with it in plain words. */
export function checkInput<S extends z.ZodType>(
  schema: S,
  value: unknown,
  place: FieldError["in"] = "body",
): Checked<z.output<S>> {
  const parsed = schema.safeParse(value, { error: plainWords });
  if (parsed.success) return { ok: true, value: parsed.data };
  const { issues } = parsed.error;
  const errors = issues
    .slice(0, maxFieldErrors)
    .map((issue) => ({ in: place, path: pointer(issue.path), message: issue.message }));
  const told = issues.slice(0, toldErrors).map((issue) => {
    const name = pathName(issue.path);
    const where = place === "body" ? name : `${place} ${name}`.trim();
    // A schema's own message is a sentence of its own, such as "a venue is 2 to 20 capitals".
    const colon = /^(?:must|is|has) /.test(issue.message) ? "" : ":";
    return `${where === "" ? "the body" : where}${colon} ${issue.message}`;
  });
  if (issues.length > toldErrors) told.push(`and ${issues.length - toldErrors} more`);
  const message = told.join("; ");
  return { ok: false, message: /[.?]$/.test(message) ? message : `${message}.`, errors };
}

/** `value` as the schema's output; throws `payload.invalid` with `details.errors: FieldError[]`. */
export function parseInput<S extends z.ZodType>(
  schema: S,
  value: unknown,
  place: FieldError["in"] = "body",
): z.output<S> {
  const checked = checkInput(schema, value, place);
  if (checked.ok) return checked.value;
  throw new AppError("payload.invalid", checked.message, { details: { errors: checked.errors } });
}
