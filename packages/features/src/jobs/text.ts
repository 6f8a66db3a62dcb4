import { AppError } from "@tapedeck/core";
import type { ErrorRecord } from "@tapedeck/core";

const nul = "\u0000";

/** PostgreSQL and JSON readers choke on U+0000 and lone surrogates: they are taken out of what a program produced. */
export function cleanText(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  return whole.includes(nul) ? whole.replaceAll(nul, "") : whole;
}

/** In JSON text, may some string hold U+0000 or a lone surrogate? Cheap, and may say yes for nothing. */
function suspicious(json: string): boolean {
  return json.includes("\\u0000") || json.includes("\\ud") || json.includes("\\uD");
}

/** Where in a value U+0000 or a lone surrogate is; undefined where there is none. */
export function unsafeTextPath(value: unknown, path = ""): string | undefined {
  if (typeof value === "string") return value.includes(nul) || !value.isWellFormed() ? path : undefined;
  if (value === null || typeof value !== "object") return undefined;
  for (const [key, member] of Object.entries(value)) {
    if (key.includes(nul) || !key.isWellFormed()) return path;
    const found = unsafeTextPath(member, path === "" ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Payload as JSON text; refuses what cannot be stored. */
export function payloadText(payload: unknown, maxBytes: number): string {
  const text = JSON.stringify(payload);
  if (text === undefined)
    throw new AppError("payload.invalid", "The payload is missing; send a JSON object.");
  // No UTF-16 unit takes more than three bytes.
  if (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes) {
    throw new AppError(
      "payload.tooLarge",
      `The payload is ${Buffer.byteLength(text)} bytes; this job type takes at most ${maxBytes}.`,
    );
  }
  if (suspicious(text)) {
    const path = unsafeTextPath(payload);
    if (path !== undefined) {
      throw new AppError(
        "payload.invalid",
        `The text at "${path}" holds U+0000 or half a surrogate pair; take it out.`,
      );
    }
  }
  return text;
}

/** Where in a value a number is NaN or infinite; JSON would make it null silently. */
export function nonFinitePath(value: unknown, path = ""): string | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? undefined : path;
  if (value === null || typeof value !== "object") return undefined;
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at++) {
      const found = nonFinitePath(value[at], `${path}/${at}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  for (const key in value) {
    const found = nonFinitePath((value as Record<string, unknown>)[key], `${path}/${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function cleanDeep(value: unknown): unknown {
  if (typeof value === "string") return cleanText(value);
  if (Array.isArray(value)) return value.map(cleanDeep);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [cleanText(key), cleanDeep(member)]),
  );
}

/** A program's value as JSON text with unsafe text taken out; NaN and infinities throw `result.invalid`. */
export function producedText(value: unknown, what: string): string {
  const path = nonFinitePath(value);
  if (path !== undefined) {
    throw new AppError("result.invalid", `The ${what} holds a number that is not finite at ${path || "/"}.`, {
      details: { path },
    });
  }
  const text = JSON.stringify(value) ?? "null";
  return suspicious(text) ? JSON.stringify(cleanDeep(value)) : text;
}

/** The same for results: at most `maxBytes`. */
export function resultText(result: unknown, maxBytes: number): string {
  const text = producedText(result, "result");
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) {
    throw new AppError("result.tooLarge", `The result is ${bytes} bytes; this job type allows ${maxBytes}.`);
  }
  return text;
}

const maxMessageChars = 4_000;
const maxDetailsBytes = 65_536;

/** An error as JSON text that can be stored: its message cut, details that are too large or hold what JSON cannot left out by name. */
export function errorText(record: ErrorRecord): string {
  const message = cleanText(record.message);
  const cut =
    message.length <= maxMessageChars ? message : `${cleanText(message.slice(0, maxMessageChars))} …`;
  const { details, ...rest } = record;
  if (details === undefined) return JSON.stringify({ ...rest, message: cut });
  const text = JSON.stringify(details);
  const fault =
    Buffer.byteLength(text) > maxDetailsBytes
      ? `they are ${Buffer.byteLength(text)} bytes`
      : unsafeTextPath(details) !== undefined
        ? "they hold U+0000 or half a surrogate pair"
        : nonFinitePath(details) !== undefined
          ? "they hold a number that is not finite"
          : undefined;
  return JSON.stringify({
    ...rest,
    message: cut,
    details: fault === undefined ? details : { leftOut: fault },
  });
}
