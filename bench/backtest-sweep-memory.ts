/** Peak memory of the process that runs a sweep of 1,000, 10,000 and 100,000 moving-average pairs over the S&P 500's 5,105 daily bars, trials in PostgreSQL. */
import { spawnSync } from "node:child_process";
import { newId } from "@tapedeck/core";
import { sp500Bars, testBlobs, testDatabase } from "@tapedeck/testkit";
import { fixtureContext, putBars } from "../packages/features/src/backtest/books.fixture.ts";
import { createStrategyModules } from "../packages/features/src/backtest/modules/folder.ts";
import { noHelp } from "../packages/features/src/backtest/parts/parts.fixture.ts";
import { SweepPayload } from "../packages/features/src/backtest/sweep/contract.ts";
import { runSweep } from "../packages/features/src/backtest/sweep/run.ts";
import type { Database } from "../packages/features/src/db.ts";
import { createFormulaLibrary } from "../packages/features/src/indicators/library.ts";
import { createSeriesReader } from "../packages/features/src/series/reader.ts";
import { report } from "./figure.ts";

/** Without a limit V8 lets garbage lie, the more the longer a process runs; a search that held more than this would end it. */
const LIMITS = ["--max-old-space-size=96", "--max-semi-space-size=8"];
const COUNTS = [1_000, 10_000, 100_000] as const;
const instrumentId = "SPX.INDEX";

/** The job as a worker runs it; its peak in MB. The database is a process of its own. */
async function runAlone(trials: number): Promise<number> {
  const { db, close: closeDatabase } = await testDatabase<Database>();
  const { blobs, close: closeBlobs } = await testBlobs();
  const rows = await sp500Bars();
  await putBars(
    db,
    { instrumentId, assetClass: "index" },
    "1d",
    rows.map((bar) => [bar.openMs, bar.open, bar.high, bar.low, bar.close, bar.volume] as const),
  );
  const deps = {
    db,
    jobs: noHelp,
    formulas: createFormulaLibrary({ db }),
    strategies: createStrategyModules({ dir: "strategies" }),
    series: createSeriesReader({ db, blobs, now: Date.now }),
  };
  // The same 650 averages however many pairs are tried.
  const payload = SweepPayload.parse({
    instrumentId,
    strategy: { kind: "builtIn", name: "maCrossover" },
    parameters: { fast: { from: 2, to: 251, step: 1 }, slow: { from: 252, to: 651, step: 1 } },
    search: { method: "random", trials },
  });
  const ctx = { ...fixtureContext<never>(db, { tenantId: newId(0) }), progress: () => undefined };
  const { honesty } = await runSweep(deps, payload, ctx);
  if (honesty.trials !== trials) throw new Error(`${honesty.trials} trials, not ${trials}`);
  await closeDatabase();
  await closeBlobs();
  return process.resourceUsage().maxRSS / 1_024;
}

/** In a process of its own. */
function peakOf(trials: number): number {
  const args = [...LIMITS, import.meta.filename, String(trials)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}

const asked = process.argv[2];
if (asked !== undefined) {
  process.stdout.write(String(await runAlone(Number(asked))));
  // Pools of the fixtures may linger.
  process.exit(0);
} else {
  const [least, ...more] = COUNTS.map((count) => ({ count, peak: peakOf(count) }));
  for (const { count, peak } of more) {
    report({
      figure: `peak of ${count.toLocaleString("en-US")} pairs, heap of 96 MB`,
      unit: "MB resident",
      ours: [peak],
      peer: `${least!.count.toLocaleString("en-US")} pairs`,
      theirs: [least!.peak],
      aim: 0.75,
      smallerIsBetter: true,
    });
  }
}
