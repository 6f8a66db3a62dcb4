/**
 * `npm run eval`: measures retrieval, figures, answers and sentiment on labelled sets, keyless, and prints a table.
 *
 *     npm run eval -- [SET…] [--data DIR] [--json]
 *
 * DIR (default: EVAL_DIR, else ../shared/eval) holds the sets; one that is not there is left out by name. `--json`
 * prints one line a figure: {set, metric, value, n}. With EVAL_SHOW=1 in the environment the own sets print each failure.
 */
import path from "node:path";
import { parseArgs } from "node:util";
import { events } from "./eval/events.ts";
import { findFile } from "./eval/files.ts";
import { examples } from "./eval/examples.ts";
import { financebenchLance, financebenchWeaviate } from "./eval/filingIndex.ts";
import { financebench } from "./eval/financebench.ts";
import { wilson } from "./eval/measure.ts";
import type { EvalSet, Measure } from "./eval/measure.ts";
import { injection } from "./eval/injection.ts";
import { lookahead } from "./eval/lookahead.ts";
import { market } from "./eval/market.ts";
import { mtragUn } from "./eval/mtragUn.ts";
import { plain } from "./eval/plain.ts";
import { sentfin, twitter } from "./eval/sentiment.ts";
import { tatqa } from "./eval/tatqa.ts";

const sets: readonly EvalSet[] = [
  market,
  plain,
  examples,
  lookahead,
  injection,
  financebench,
  financebenchLance,
  financebenchWeaviate,
  tatqa,
  mtragUn,
  sentfin,
  twitter,
  events,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { data: { type: "string" }, json: { type: "boolean", default: false } },
});
const dir = path.resolve(values.data ?? process.env["EVAL_DIR"] ?? "../shared/eval");
const unknown = positionals.filter((name) => !sets.some((set) => set.name === name));
if (unknown.length > 0) {
  console.error(
    `There is no set ${unknown.join(", ")}; there are ${sets.map(({ name }) => name).join(", ")}.`,
  );
  process.exit(2);
}

function shown({ set, metric, value, n, count, aim }: Measure): string {
  const digits = /_ms$|_per_s$/.test(metric) ? 1 : 3;
  const interval =
    count === undefined
      ? ""
      : ` (${count}; ${wilson(count, n)
          .map((edge) => edge.toFixed(3))
          .join(" to ")})`;
  return `| ${set} | ${metric} | ${value.toFixed(digits)}${interval} | ${n} | ${aim ?? ""} |`;
}

if (!values.json) console.log("| set | metric | value | n | aim |\n|---|---|---|---|---|");
for (const set of sets) {
  if (positionals.length > 0 && !positionals.includes(set.name)) continue;
  const files = set.files.map(([folder, name]) => findFile(path.join(dir, folder), name));
  const absent = set.files.find((_, at) => files[at] === undefined);
  if (absent !== undefined) {
    console.error(`left out: ${set.name} (no file ${absent[1].source} in ${path.join(dir, absent[0])})`);
    continue;
  }
  const unset = set.needs?.find((name) => process.env[name] === undefined);
  if (unset !== undefined) {
    console.error(`left out: ${set.name} (${unset} is not set)`);
    continue;
  }
  for (const measure of await set.run(files as string[])) {
    const { set: name, metric, value, n } = measure;
    console.log(values.json ? JSON.stringify({ set: name, metric, value, n }) : shown(measure));
  }
}
