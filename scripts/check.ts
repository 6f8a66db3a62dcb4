/** `npm run check`: format, lint, types and import rules, each named, all of them run, exit 1 when one fails. */
import { spawnSync } from "node:child_process";
import { checkImports } from "./import-rules.ts";

const steps: Array<[string, string, string[]]> = [
  ["format", "oxfmt", ["--check"]],
  ["lint", "oxlint", ["--type-aware", "--deny-warnings"]],
  ["types", "tsc", ["-p", "tsconfig.json"]],
];

let failed = 0;
for (const [name, command, args] of steps) {
  const started = performance.now();
  const result = spawnSync(command, args, { encoding: "utf8" });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const good = result.status === 0;
  console.log(`${good ? "ok  " : "FAIL"} ${name} (${seconds} s)`);
  if (!good) {
    failed++;
    console.log(result.error?.message ?? `${result.stdout}${result.stderr}`.trim());
  }
}
const broken = checkImports(process.cwd());
console.log(`${broken.length === 0 ? "ok  " : "FAIL"} import rules`);
for (const line of broken) console.log(`  ${line}`);
if (broken.length > 0) failed++;
console.log(`check: ${steps.length + 1 - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
