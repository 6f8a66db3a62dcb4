import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";

/** The text of a file, unpacked when its name ends in .gz. */
export function readText(file: string): string {
  const bytes = readFileSync(file);
  return (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
}

/** One JSON value a line. */
export function readLines<T>(file: string): T[] {
  return readText(file)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}

/** The one file of a folder whose name fits, so that a set's parts (dev, test) may be named apart; undefined when there is none. */
export function findFile(folder: string, name: RegExp): string | undefined {
  if (!existsSync(folder)) return undefined;
  const found = readdirSync(folder)
    .toSorted()
    .find((one) => name.test(one));
  return found === undefined ? undefined : path.join(folder, found);
}
