const secretName =
  /^(authorization|proxy-authorization|cookie|set-cookie|x-api-key|.*api[-_]?key|.*password|passwd|.*token|.*secret|.*credentials?|private[-_]?key|signature)$/i;
const redacted = "[redacted]";
const maxDepth = 6;
const maxItems = 100;
const maxText = 8_000;

const secretNames = new Map<string, boolean>();

/** Field names are few and come again with every line; the bound is for those that come from data. */
function isSecretName(name: string): boolean {
  let secret = secretNames.get(name);
  if (secret === undefined) {
    secret = secretName.test(name);
    if (secretNames.size < 1_000) secretNames.set(name, secret);
  }
  return secret;
}

/** Passwords in addresses, bearer tokens and `name=secret` pairs inside a text. */
export function scrubText(text: string): string {
  const short = text.length > maxText ? `${text.slice(0, maxText)}… (${text.length} characters)` : text;
  // Each of the three needs one of these; most texts (ids, names of routes) have none.
  if (!/[:=\s]/.test(short)) return short;
  return short
    .replace(/([a-z][a-z0-9+.-]*:\/\/)([^\s/@:]*):([^\s/@]+)@/gi, `$1$2:${redacted}@`)
    .replace(/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${redacted}`)
    .replace(/\b(api[-_]?key|password|token|secret)(["']?\s*[=:]\s*["']?)[^\s"'&,;]+/gi, `$1$2${redacted}`);
}

function scrubError(error: Error, depth: number, seen: WeakSet<object>): Record<string, unknown> {
  const { code, cause, details } = error as { code?: unknown; cause?: unknown; details?: unknown };
  return {
    type: error.name,
    message: scrubText(error.message),
    ...(code === undefined ? {} : { code }),
    ...(details === undefined ? {} : { details: walk(details, depth + 1, seen) }),
    ...(error.stack === undefined ? {} : { stack: scrubText(error.stack) }),
    ...(cause === undefined ? {} : { cause: walk(cause, depth + 1, seen) }),
  };
}

function walk(value: unknown, depth: number, seen: WeakSet<object>): unknown {
  if (typeof value === "string") return scrubText(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "function" || typeof value === "symbol") return undefined;
  if (typeof value !== "object" || value === null) return value;
  if (seen.has(value)) return "[circular]";
  if (depth >= maxDepth) return "[deep]";
  seen.add(value);
  try {
    if (value instanceof Error) return scrubError(value, depth, seen);
    if (value instanceof Date) return value;
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (value instanceof Map || value instanceof Set) return `[${value.size} entries]`;
    if (Array.isArray(value)) {
      const items = value.slice(0, maxItems).map((item) => walk(item, depth + 1, seen));
      return value.length > maxItems ? [...items, `… ${value.length} items`] : items;
    }
    const plain: Record<string, unknown> = {};
    for (const [name, item] of Object.entries(value)) {
      const hide = isSecretName(name) && item !== undefined && item !== null && typeof item !== "boolean";
      plain[name] = hide ? redacted : walk(item, depth + 1, seen);
    }
    return plain;
  } finally {
    seen.delete(value);
  }
}

/** A copy that may be logged: secrets replaced, bounded in depth, items and text. */
export function scrub(value: unknown): unknown {
  return walk(value, 0, new WeakSet());
}
