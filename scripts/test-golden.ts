/**
 * `npm run test:golden`: every entry of the manifests under GOLDEN_DIR (default ../shared/golden) against its
 * counterpart here, on the data under DATA_DIR (default ../shared/data). An entry without a counterpart fails by
 * name, unless packages/testkit/golden-owed.json says which part of the project will own it.
 * `--table` prints the page of every comparison, `--write` keeps it as docs/exactness.md, `--check` fails where the kept
 * page is another (unless it was written from other reference values). Names of folders or entries restrict the run.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Compared, GoldenEntry, GoldenResult, Owed } from "../packages/testkit/src/golden/index.ts";
import {
  exactnessPage,
  fingerprintIn,
  fingerprintOf,
  folders,
  goldenFolders,
  isOwed,
  listEntries,
  unreferenced,
} from "../packages/testkit/src/golden/index.ts";

const root = resolve(import.meta.dirname, "..");
const goldenDir = resolve(root, process.env["GOLDEN_DIR"] ?? "../shared/golden");
const dataDir = resolve(root, process.env["DATA_DIR"] ?? "../shared/data");
const args = process.argv.slice(2);
const wanted = args.filter((a) => !a.startsWith("--"));
const owed = JSON.parse(readFileSync(join(root, "packages/testkit/golden-owed.json"), "utf8")) as Owed[];

const faults: string[] = [];
const compared: Compared[] = [];
const used = new Set<Owed>();
let left = 0;

function record(entry: GoldenEntry, result: GoldenResult): void {
  if (result.fault !== undefined || !(result.worst <= 1)) {
    faults.push(`${entry.id}: ${result.fault ?? `off by ${result.worst} tolerances`}`);
    return;
  }
  if (result.values === 0) {
    faults.push(`${entry.id}: the folder holds no value of it`);
    return;
  }
  compared.push({ id: entry.id, result });
}

/** A comparison that throws is a fault of its entry, not the end of the run. */
function outcomeOf(compare: () => GoldenResult): GoldenResult {
  try {
    return compare();
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error);
    const nothing = { values: 0, worst: Infinity, deviation: Infinity, tolerance: "", counterpart: "" };
    return { ...nothing, reference: "", fault };
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
      record(entry, outcomeOf(entry.compare));
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
if (wanted.length > 0 && (args.includes("--write") || args.includes("--check"))) {
  faults.push("--write and --check need a whole run: name no folders or entries");
} else writeOrCheck();

function writeOrCheck(): void {
  const file = join(root, "docs/exactness.md");
  const fingerprint = fingerprintOf(goldenDir);
  const rest = unreferenced(compared);
  const page = exactnessPage(compared, rest, fingerprint);
  if (args.includes("--table")) console.log(page);
  if (args.includes("--write")) writeFileSync(file, page);
  if (!args.includes("--check")) return;
  const kept = readFileSync(file, "utf8");
  if (fingerprintIn(kept) !== fingerprint) {
    console.log("docs/exactness.md was written from other reference values: not compared");
    return;
  }
  for (const { name, tests } of rest) {
    if (tests.length === 0) faults.push(`${name}: neither a reference value nor a test stands for it`);
  }
  if (kept !== page) {
    faults.push("docs/exactness.md is not what this run gives: npm run test:golden -- --write");
  }
}

for (const fault of faults) console.log(`FAIL ${fault}`);
for (const o of used) console.log(`owed: ${o.entries} (${o.owner})`);
console.log(`${compared.length} passed, ${faults.length} failed, ${left} owed`);
process.exitCode = faults.length > 0 ? 1 : 0;
