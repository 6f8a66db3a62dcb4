import { resolve } from "node:path";
import { testBlobs, testDatabase } from "@tapedeck/testkit";
import type { Database } from "../db.ts";
import { createEvidenceStore } from "../evidence/store.ts";
import { createFormulaLibrary } from "../indicators/library.ts";
import { createSeriesReader } from "../series/reader.ts";
import { createStrategyModules } from "./modules/folder.ts";
import { noHelp } from "./parts/parts.fixture.ts";

const shipped = resolve(import.meta.dirname, "../../../../strategies");

/** An empty database and what the handlers of the backtest queue take; strategy modules are the shipped ones, or those of `dir`. */
export async function backtestFixture({ now, dir = shipped }: { now: () => number; dir?: string }) {
  const [{ db, close: closeDatabase }, { blobs, close: closeBlobs }] = await Promise.all([
    testDatabase<Database>(),
    testBlobs(),
  ]);
  const deps = {
    db,
    blobs,
    jobs: noHelp,
    evidence: createEvidenceStore({ db, now }),
    formulas: createFormulaLibrary({ db }),
    strategies: createStrategyModules({ dir }),
    series: createSeriesReader({ db, blobs, now }),
  };
  return {
    db,
    deps,
    close: async () => {
      await closeDatabase();
      await closeBlobs();
    },
  };
}
