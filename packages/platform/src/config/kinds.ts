import path from "node:path";

/** One environment variable: how it is read and what it is for. */
export interface Variable<T> {
  /** What the table in the docs says of its values. */
  format: string;
  /** Said when it is not set; undefined: there is none. */
  fallback: T;
  /** The default as the docs show it. */
  shown: string;
  meaning: string;
  /** Never printed. */
  secret: boolean;
  /** Throws a plain Error that says what is wrong, without the value. */
  parse(text: string): T;
}

interface Extra {
  secret?: boolean;
  shown?: string;
}

function variable<T>(
  format: string,
  fallback: T,
  meaning: string,
  parse: (text: string) => T,
  { secret = false, shown }: Extra = {},
): Variable<T> {
  return {
    format,
    fallback,
    meaning,
    parse,
    secret,
    shown: shown ?? (fallback === undefined ? "–" : String(fallback)),
  };
}

export const optionalText = (meaning: string, extra?: Extra): Variable<string | undefined> =>
  variable<string | undefined>("text", undefined, meaning, (text) => text, extra);

export function secretText(meaning: string, minLength = 1): Variable<string | undefined> {
  const format = minLength > 1 ? `text of at least ${minLength} characters` : "text";
  return variable<string | undefined>(
    format,
    undefined,
    meaning,
    (text) => {
      if (text.length < minLength) throw new Error(`must be ${format}`);
      return text;
    },
    { secret: true },
  );
}

export const text = (fallback: string, meaning: string): Variable<string> =>
  variable("text", fallback, meaning, (value) => value);

export function integer(fallback: number, min: number, max: number, meaning: string): Variable<number> {
  return variable(`whole number from ${min} to ${max}`, fallback, meaning, (value) => {
    const number = Number(value);
    if (!/^-?\d+$/.test(value) || number < min || number > max) {
      throw new Error(`must be a whole number from ${min} to ${max}`);
    }
    return number;
  });
}

export function optionalInteger(
  min: number,
  max: number,
  meaning: string,
  extra?: Extra,
): Variable<number | undefined> {
  const { parse, format } = integer(min, min, max, meaning);
  return variable<number | undefined>(format, undefined, meaning, parse, extra);
}

export function flag(fallback: boolean, meaning: string): Variable<boolean> {
  return variable(
    "1 or 0",
    fallback,
    meaning,
    (value) => {
      if (/^(1|true|yes|on)$/i.test(value)) return true;
      if (/^(0|false|no|off)$/i.test(value)) return false;
      throw new Error("must be 1 or 0");
    },
    { shown: fallback ? "1" : "0" },
  );
}

export function choice<const T extends string>(
  options: readonly T[],
  fallback: T,
  meaning: string,
): Variable<T> {
  return variable(options.join(", "), fallback, meaning, (value) => {
    const found = options.find((option) => option === value);
    if (found === undefined) throw new Error(`must be one of ${options.join(", ")}`);
    return found;
  });
}

export function address(
  protocols: readonly string[],
  meaning: string,
  extra?: Extra,
): Variable<string | undefined> {
  return variable<string | undefined>(
    `address (${protocols.map((name) => `${name}://`).join(" or ")})`,
    undefined,
    meaning,
    (value) => {
      const url = URL.canParse(value) ? new URL(value) : undefined;
      if (url === undefined || !protocols.includes(url.protocol.slice(0, -1))) {
        throw new Error(
          `must be an address that begins with ${protocols.map((name) => `${name}://`).join(" or ")}`,
        );
      }
      return value;
    },
    extra,
  );
}

/** Relative paths are from the working directory. */
export const folder = (fallback: string, meaning: string): Variable<string> =>
  variable("path", path.resolve(fallback), meaning, (value) => path.resolve(value), { shown: fallback });

export const optionalPath = (meaning: string): Variable<string | undefined> =>
  variable<string | undefined>("path", undefined, meaning, (value) => path.resolve(value));

/** Separated by commas. */
export function list(
  meaning: string,
  check: (item: string) => string | undefined,
): Variable<readonly string[]> {
  return variable<readonly string[]>(
    "list separated by commas",
    [],
    meaning,
    (value) => {
      const items = value
        .split(",")
        .map((item) => item.trim())
        .filter((item) => item !== "");
      for (const item of items) {
        const wrong = check(item);
        if (wrong !== undefined) throw new Error(wrong);
      }
      return items;
    },
    { shown: "–" },
  );
}
