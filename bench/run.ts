/**
 * `npm run bench` lists the figures; `npm run bench -- NAME… [--json]` or `--all` runs them, one process each.
 * A bench file is a script that prints one JSON line a figure on standard output and remarks on standard error;
 * its first comment line says what it measures.
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Figure } from "./figure.ts";

const folder = import.meta.dirname;
const notBenches = new Set([
  "run.ts",
  "backtestData.ts",
  "sweepTask.ts",
  "sweepWorker.ts",
  "figure.ts",
  "peer.ts",
  "load.ts",
  "server.ts",
  "cpu.ts",
  "floor.ts",
  "noop.ts",
  "normals.ts",
  "streamServer.ts",
  "timing.ts",
  "venueClient.ts",
  "wsClients.ts",
]);

const benches = readdirSync(folder)
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !notBenches.has(file))
  .map((file) => ({
    name: file.slice(0, -3),
    about:
      /^\/\*\*\s*\n?\s*\*?\s*(.*)/
        .exec(readFileSync(join(folder, file), "utf8"))?.[1]
        ?.replace(/\s*\*\/$/, "") ?? "",
  }));

const args = process.argv.slice(2);
const json = args.includes("--json");
const wanted = args.includes("--all")
  ? benches.map(({ name }) => name)
  : args.filter((arg) => !arg.startsWith("--"));
const unknown = wanted.filter((name) => !benches.some((bench) => bench.name === name));

if (unknown.length > 0) {
  console.error(
    `no such bench: ${unknown.join(", ")}; there are ${benches.map(({ name }) => name).join(", ")}`,
  );
  process.exitCode = 2;
} else if (wanted.length === 0) {
  for (const { name, about } of benches) console.log(`${name.padEnd(20)} ${about}`);
  console.log("\nnpm run bench -- NAME… [--json], or --all");
} else {
  let failed = 0;
  for (const name of wanted) if (!(await runBench(name))) failed++;
  process.exitCode = failed === 0 ? 0 : 1;
}

async function runBench(name: string): Promise<boolean> {
  if (!json) console.log(`\n== ${name}`);
  const child = spawn(process.execPath, [join(folder, `${name}.ts`)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
  for await (const line of createInterface({ input: child.stdout })) {
    if (json) console.log(line);
    else if (line.startsWith("{")) console.log(format(JSON.parse(line) as Figure));
  }
  const code = await ended;
  if (code !== 0) console.error(`${name} ended with code ${code}`);
  return code === 0;
}

function format(figure: Figure): string {
  const number = (value: number | null) =>
    value === null ? "–" : value.toLocaleString("en-US", { maximumSignificantDigits: 4 });
  const peer =
    figure.theirs === null
      ? `${figure.peer} absent`
      : `${figure.peer} ${figure.peerVersion ?? ""} ${number(figure.theirs)}`.trim();
  const verdict = figure.met === null ? "" : figure.met ? "met" : "MISSED";
  return [
    figure.figure.padEnd(44),
    `${number(figure.ours)} ${figure.unit}`.padStart(22),
    `| ${peer}`.padEnd(36),
    figure.ratio === null ? "" : `ratio ${number(figure.ratio)}`,
    figure.aim === null ? "" : `aim ${figure.aim} ${verdict}`,
  ].join(" ");
}
