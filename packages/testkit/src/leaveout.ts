import { appendFileSync, existsSync } from "node:fs";
import path from "node:path";
import { describe } from "vitest";
import { projectRoot } from "./postgres.ts";

/**
 * `describe` where the condition holds. Where it does not, a block that is skipped and says by its name what was
 * left out and why; with CI set, a failure instead, since there nothing may be absent. The name also goes to the
 * list that `npm test` shows at its end.
 *
 *     leaveOutUnless(hasRedis, "redis-server")("the queue on Redis", () => { ... });
 */
export function leaveOutUnless(
  condition: boolean,
  what: string,
  bring = `install ${what}`,
): (name: string, body: () => void) => void {
  if (condition) return (name, body) => void describe(name, body);
  if (process.env["CI"] === "true") {
    return (name) => {
      throw new Error(`CI must not leave out "${name}": ${what} is absent`);
    };
  }
  return (name, body) => {
    const list = process.env["LEFT_OUT_FILE"];
    if (list !== undefined) appendFileSync(list, `${name}\t${what} is absent\t${bring}\n`);
    describe.skip(`${name} (left out: ${what} is absent)`, body);
  };
}

/** Folder of shared test data; DATA_DIR, else ../shared/data. */
export const dataDir = path.resolve(projectRoot, process.env["DATA_DIR"] ?? "../shared/data");
/** Folder of reference values; GOLDEN_DIR, else ../shared/golden. */
export const goldenDir = path.resolve(projectRoot, process.env["GOLDEN_DIR"] ?? "../shared/golden");
export const hasData = existsSync(dataDir);
export const hasGolden = existsSync(goldenDir);
