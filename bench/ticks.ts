/** A day of SPY prints (DATA_DIR) to one-minute bars against polars (PEERS_PYTHON), by CPU time on one core. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { createTimeBars } from "../packages/quant/src/index.ts";
import type { Ticks } from "../packages/quant/src/index.ts";
import { report } from "./figure.ts";
import { runPythonPeer } from "./peer.ts";

const REPEATS = 25;
/** Days built in one repeat: a single one is over in 2 ms. */
const DAYS = 10;

const folder = resolve(import.meta.dirname, "..", process.env["DATA_DIR"] ?? "../shared/data");
const file = join(folder, "equities", "SPY-trades-20131008.csv.gz");
const rows = gunzipSync(readFileSync(file))
  .toString("utf8")
  .trimEnd()
  .split("\n")
  .slice(1)
  .map((line) => line.split(","));
const column = (k: number): Float64Array => Float64Array.from(rows, (r) => Number(r[k]));
const ticks: Ticks = { timeMs: column(0), price: column(1), size: column(2) };

function buildDays(): void {
  for (let day = 0; day < DAYS; day++) {
    const bars = createTimeBars({ everyMs: 60_000 });
    bars.advance(ticks, 0, rows.length);
    bars.closeUntil(Infinity);
  }
}

for (let i = 0; i < 10; i++) buildDays();
const rates = Array.from({ length: REPEATS }, () => {
  const before = process.cpuUsage();
  buildDays();
  const { user, system } = process.cpuUsage(before);
  return (DAYS * rows.length) / (user + system);
});
const peer = runPythonPeer("polars", "ticks_peer.py", [file, String(REPEATS)]);
report({
  figure: `${rows.length} trades to minute bars`,
  unit: "million trades/s of CPU time",
  ours: rates,
  peer: "polars",
  peerVersion: peer?.version,
  theirs: peer?.rates,
  aim: 1,
});
