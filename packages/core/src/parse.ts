import type * as z from "zod";
import { AppError } from "./errors.ts";

/** One thing wrong with a request, and where. */
export interface FieldError {
  in: "body" | "query" | "path" | "header";
  /** JSON pointer below `in`; "" is the whole. */
  path: string;
  message: string;
}

const maxFieldErrors = 50;

function pointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** What zod found wrong, as field errors (50 at most). */
export function fieldErrors(error: z.ZodError, place: FieldError["in"]): FieldError[] {
  return error.issues
    .slice(0, maxFieldErrors)
    .map((issue) => ({ in: place, path: pointer(issue.path), message: issue.message }));
}

/** `value` as the schema's output; throws `payload.invalid` with `details.errors: FieldError[]`. */
export function parseInput<S extends z.ZodType>(
  schema: S,
  value: unknown,
  place: FieldError["in"] = "body",
): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = fieldErrors(parsed.error, place);
  const first = errors[0]!;
  const where = first.path === "" ? place : `${place} ${first.path}`;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  throw new AppError("payload.invalid", `${where}: ${first.message}${more}`, { details: { errors } });
}
