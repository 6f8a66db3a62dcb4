import { AppError } from "@tapedeck/core";

const part = /^[A-Za-z0-9_=-][A-Za-z0-9._=-]*$/;

/** The key, when it is one: `/`-separated parts of [A-Za-z0-9._=-] that do not begin with a dot, 900 bytes at most. */
export function checkKey(key: string): string {
  if (key.length > 900 || !key.split("/").every((name) => part.test(name))) {
    throw new RangeError(`not a blob key: ${JSON.stringify(key.slice(0, 100))}`);
  }
  return key;
}

export function checkPrefix(prefix: string): string {
  if (!/^[A-Za-z0-9._=/-]*$/.test(prefix))
    throw new RangeError(`not a blob prefix: ${JSON.stringify(prefix)}`);
  return prefix;
}

export function missing(key: string): AppError {
  return new AppError("data.missing", `The stored file ${key} is not there.`);
}
