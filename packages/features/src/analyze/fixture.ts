import type { ProgressOf } from "@tapedeck/core";
import {
  monthlyStocks,
  recordingContext,
  seedBars,
  sp500Bars,
  testBlobs,
  testDatabase,
} from "@tapedeck/testkit";
import type { RecordingContext, TestBar } from "@tapedeck/testkit";
import type { Database, Tx } from "../db.ts";
import { createEventReader } from "../events/reader.ts";
import { createEvidenceStore } from "../evidence/store.ts";
import { createFormulaLibrary } from "../indicators/library.ts";
import { createPortfolioReader } from "../orders/portfolio.ts";
import { insertAccount } from "../orders/store.ts";
import { createSeriesReader } from "../series/reader.ts";
import { loadColumns } from "./columns.ts";
import { AnalyzePayload, AnalyzeResult } from "./contract.ts";
import type { analyze } from "./contract.ts";
import type { AnalysisKindName, ResultOfKind } from "./kinds/contracts.ts";
import { runAnalyze } from "./run.ts";

const nowMs = Date.UTC(2026, 0, 2);
const now = () => nowMs;

type Context = RecordingContext<ProgressOf<typeof analyze>, Tx>;
type GivenPayload<K> = { kind?: K } & Record<string, unknown>;

/** The S&P 500's daily bars and five stocks' monthly closes (GOOG has fewer), for running analyses. */
export async function analyzeFixture() {
  const database = await testDatabase<Database>();
  const blobs = await testBlobs();
  const { db } = database;
  const series = createSeriesReader({ db, blobs: blobs.blobs, now });
  const deps = {
    series,
    events: createEventReader({ db, now }),
    evidence: createEvidenceStore({ db, now }),
    blobs: blobs.blobs,
    portfolio: createPortfolioReader({ db, series, now }),
    formulas: createFormulaLibrary({ db }),
  };
  const spx = await sp500Bars();
  const stocks = await monthlyStocks();
  await seedBars(db, { instrumentId: "SPX.INDEX", name: "S&P 500", assetClass: "index" }, spx);
  for (const [symbol, bars] of stocks) {
    await seedBars(db, { instrumentId: `${symbol}.XNAS`, name: symbol, timeframe: "1mo" }, bars);
  }

  const context = (options: { signal?: AbortSignal } = {}): Context =>
    recordingContext<ProgressOf<typeof analyze>, Tx>({ nowMs, ...options });

  /** Parsed, run and parsed again, as a worker does. */
  async function run<K extends AnalysisKindName>(
    payload: GivenPayload<K>,
    ctx: Context = context(),
  ): Promise<{ result: ResultOfKind<K>; context: Context }> {
    const result = AnalyzeResult.parse(await runAnalyze(deps, AnalyzePayload.parse(payload), ctx));
    return { result: result as ResultOfKind<K>, context: ctx };
  }

  /** Stored columns of a result, by name. */
  async function columns(result: { seriesRef: string | null }): Promise<Map<string, Float64Array>> {
    const file = await loadColumns(blobs.blobs, result.seriesRef!);
    return new Map(file.columns.map((column) => [column.formula, column.values]));
  }

  const evidenceOf = async (id: string) => (await deps.evidence.get(context().tenantId, id)).item;

  return {
    db,
    deps,
    spx,
    stocks: stocks as ReadonlyMap<string, readonly TestBar[]>,
    context,
    run,
    columns,
    evidenceOf,
    resolve: (payload: unknown) =>
      runAnalyze.resolveInputs(deps, AnalyzePayload.parse(payload), {
        tenantId: context().tenantId,
        signal: new AbortController().signal,
      }),
    /** The tenant's paper account "Main" with one position and cash. */
    async openAccount(position: { instrumentId: string; quantity: string; cash: string }) {
      const account = await insertAccount(
        db,
        {
          tenantId: context().tenantId,
          name: "Main",
          venue: "paper",
          simulated: true,
          currency: "USD",
          initialCash: position.cash,
          feeBps: "0",
          slippageBps: "0",
        },
        nowMs,
      );
      const { instrumentId, quantity } = position;
      await db
        .insertInto("positions")
        .values({ accountId: account!.id, instrumentId, quantity, realised: "0", updatedMs: nowMs })
        .execute();
    },
    async close() {
      await database.close();
      await blobs.close();
    },
  };
}
export type AnalyzeFixture = Awaited<ReturnType<typeof analyzeFixture>>;
