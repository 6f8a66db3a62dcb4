import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { environment, environmentTable, parseEnvironment } from "./index.ts";
import type { EnvironmentName } from "./index.ts";

const names = Object.keys(environment) as EnvironmentName[];

test("nothing set gives the defaults; empty counts as unset", () => {
  const values = parseEnvironment({ PORT: "", REDIS_URL: " " }, names);
  expect(values).toMatchObject({
    PORT: 3000,
    HOST: "127.0.0.1",
    TAPEDECK_DIR: path.resolve(".tapedeck"),
    TAPEDECK_LOCK_MS: 30_000,
    TAPEDECK_CALLBACK_ALLOW_PRIVATE: false,
    TAPEDECK_FETCH_ALLOW_PRIVATE: false,
    TAPEDECK_CORS_ORIGINS: [],
    REDIS_URL: undefined,
    LOG_LEVEL: "info",
  });
});

test("values are read into their types, and only those that are asked for", () => {
  const env = {
    PORT: "8080",
    TAPEDECK_TRUST_PROXY: "1",
    TAPEDECK_CORS_ORIGINS: "https://a.example, https://b.example",
  };
  expect(parseEnvironment(env, ["PORT", "TAPEDECK_TRUST_PROXY", "TAPEDECK_CORS_ORIGINS"])).toEqual({
    PORT: 8080,
    TAPEDECK_TRUST_PROXY: true,
    TAPEDECK_CORS_ORIGINS: ["https://a.example", "https://b.example"],
  });
});

test.each([
  ["PORT", "80a", "PORT must be a whole number from 0 to 65535"],
  ["PORT", "70000", "PORT must be a whole number from 0 to 65535"],
  ["REDIS_URL", "localhost:6379", "REDIS_URL must be an address that begins with redis:// or rediss://"],
  [
    "DATABASE_URL",
    "mysql://root:hunter2@db/x",
    "DATABASE_URL must be an address that begins with postgres:// or postgresql://",
  ],
  ["LOG_LEVEL", "loud", "LOG_LEVEL must be one of debug, info, warn, error, silent"],
  ["TAPEDECK_TRUST_PROXY", "maybe", "TAPEDECK_TRUST_PROXY must be 1 or 0"],
  ["TAPEDECK_JWT_SECRET", "short", "TAPEDECK_JWT_SECRET must be text of at least 32 characters"],
  [
    "TAPEDECK_CORS_ORIGINS",
    "https://a.example/path",
    "TAPEDECK_CORS_ORIGINS must hold origins such as https://example.com",
  ],
  ["TAPEDECK_DIRR", "x", "TAPEDECK_DIRR is not a variable of Tapedeck; did you mean TAPEDECK_DIR?"],
  [
    "TAPEDECK_SOMETHING_ELSE",
    "x",
    "TAPEDECK_SOMETHING_ELSE is not a variable of Tapedeck; docs/operations.md lists them",
  ],
])("%s=%s stops the start with one line", (name, value, message) => {
  let thrown: unknown;
  try {
    parseEnvironment({ [name]: value }, names);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code: "config.invalid", message });
});

test("a malformed variable that a process does not use does not stop it", () => {
  expect(parseEnvironment({ STREAM_PORT: "x" }, ["PORT"])).toEqual({ PORT: 3000 });
});

const root = path.resolve(import.meta.dirname, "../../../..");
const cells = (line: string) => line.split("|").map((cell) => cell.trim());

test("docs/operations.md shows this table", () => {
  const shown = readFileSync(path.join(root, "docs/operations.md"), "utf8").split("\n").map(cells);
  for (const line of environmentTable().split("\n").slice(2)) expect(shown).toContainEqual(cells(line));
  const documented = shown
    .filter(([, name = ""]) => /^`[A-Z][A-Z0-9_]+`$/.test(name))
    .map(([, name]) => name);
  expect(documented).toEqual(names.map((name) => `\`${name}\``));
});

test("docker-compose.yml sets known variables only, to values that can be read", () => {
  const compose = parse(readFileSync(path.join(root, "docker-compose.yml"), "utf8"), { merge: true }) as {
    services: Record<string, { command?: string[]; environment?: Record<string, string | number | null> }>;
  };
  const ours = Object.values(compose.services).filter(({ command = [] }) =>
    command.some((word) => word.startsWith("apps/")),
  );
  expect(ours.length).toBeGreaterThan(1);
  for (const { environment: set = {} } of ours) {
    for (const [name, value] of Object.entries(set)) {
      expect(names).toContain(name);
      // What the operator fills in: ${NAME:?why} has no value here, ${NAME:-value} a default.
      const given = String(value ?? "").replace(/\$\{[A-Z0-9_]+(?::-([^}]*)|:?\?[^}]*)?\}/g, "$1");
      if (!String(value ?? "").includes("?")) parseEnvironment({ [name]: given }, [name as EnvironmentName]);
    }
  }
});
