/**
 * `npm run test:golden`: every entry of the manifests under GOLDEN_DIR (default ../shared/golden) against its
 * counterpart here, on the data under DATA_DIR (default ../shared/data). An entry without a counterpart fails by
 * name, unless packages/testkit/golden-owed.json says which part of the project will own it.
 * `--table` prints a Markdown table of every entry; names of folders or entries restrict the run.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { GoldenEntry, GoldenResult, Owed } from "../packages/testkit/src/golden/index.ts";
import { folders, goldenFolders, isOwed, listEntries } from "../packages/testkit/src/golden/index.ts";

const root = resolve(import.meta.dirname, "..");
const goldenDir = resolve(root, process.env["GOLDEN_DIR"] ?? "../shared/golden");
const dataDir = resolve(root, process.env["DATA_DIR"] ?? "../shared/data");
const args = process.argv.slice(2);
const table = args.includes("--table");
const wanted = args.filter((a) => !a.startsWith("--"));
const owed = JSON.parse(readFileSync(join(root, "packages/testkit/golden-owed.json"), "utf8")) as Owed[];

const faults: string[] = [];
const rows: string[] = [];
const used = new Set<Owed>();
let passed = 0;
let left = 0;

function record(entry: GoldenEntry, result: GoldenResult): void {
  if (result.fault !== undefined || !(result.worst <= 1)) {
    faults.push(`${entry.id}: ${result.fault ?? `off by ${result.worst} tolerances`}`);
    return;
  }
  passed++;
  const deviation = result.deviation === 0 ? "0" : result.deviation.toExponential(1);
  rows.push(
    `| ${entry.id} | ${result.counterpart} | ${result.reference} | ${result.values} | ${deviation} | ${result.worst.toPrecision(2)} |`,
  );
}

/** A comparison that throws is a fault of its entry, not the end of the run. */
function compared(compare: () => GoldenResult): GoldenResult {
  try {
    return compare();
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error);
    return { values: 0, worst: Infinity, deviation: Infinity, fault, counterpart: "", reference: "" };
  }
}

const present = goldenFolders(goldenDir);
if (present.length === 0) faults.push(`${goldenDir} holds no folder with a manifest.json: set GOLDEN_DIR`);
for (const name of present) {
  const folder = join(goldenDir, name);
  const known = folders.find((f) => f.name === name);
  const entries: GoldenEntry[] =
    known?.entries(folder, dataDir) ?? listEntries(folder).map((e) => ({ id: `${name}/${e}` }));
  for (const entry of entries) {
    if (wanted.length > 0 && !wanted.some((w) => entry.id.startsWith(w))) continue;
    if (entry.compare) {
      record(entry, compared(entry.compare));
      continue;
    }
    const owner = isOwed(entry.id, owed);
    if (owner) {
      used.add(owner);
      left++;
    } else faults.push(`${entry.id}: nothing here answers to it`);
  }
}
if (wanted.length === 0) {
  for (const o of owed) {
    const there = present.includes(o.entries.slice(0, o.entries.indexOf("/")));
    if (there && !used.has(o)) faults.push(`golden-owed.json: ${o.entries} is no longer owed`);
  }
}
if (table) {
  console.log("| entry | counterpart | reference | values | largest deviation | share of the tolerance |");
  console.log("|---|---|---|---|---|---|");
  console.log(rows.join("\n"));
}
for (const fault of faults) console.log(`FAIL ${fault}`);
for (const o of used) console.log(`owed: ${o.entries} (${o.owner})`);
console.log(`${passed} passed, ${faults.length} failed, ${left} owed`);
process.exitCode = faults.length > 0 ? 1 : 0;
