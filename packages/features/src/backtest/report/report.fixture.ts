import { newId } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import { sp500Bars } from "@tapedeck/testkit";
import { sql } from "kysely";
import { contracts } from "../../contracts.ts";
import { handlers } from "../../handlers.ts";
import { backtestFixture } from "../backtest.fixture.ts";
import { fixtureContext, putBars } from "../books.fixture.ts";
import { BacktestResult } from "../contract.ts";

export const instrumentId = "SPX.INDEX";
export const nowMs = Date.UTC(2026, 0, 2);

/** A database with 1,000 days of the S&P 500, and a way to run jobs of the backtest queue as the worker does. */
export async function reportFixture() {
  const now = () => nowMs;
  const { db, deps, close } = await backtestFixture({ now });
  const tenantId = newId(0);
  const rows = (await sp500Bars()).slice(0, 1_000);
  await putBars(
    db,
    { instrumentId, assetClass: "index" },
    "1d",
    rows.map((bar) => [bar.openMs, bar.open, bar.high, bar.low, bar.close, bar.volume] as const),
  );

  /** Runs a job with a row as the job service leaves it; its id and parsed result. */
  async function run<
    T extends "backtest" | "sweep" | "walkForward" | "monteCarlo" | "biasAudit" | "portfolioBacktest",
  >(type: T, given: object, replayOf: string | null = null) {
    const jobId = newId(nowMs);
    const payload = contracts[type].payload.parse(given);
    await sql`
      insert into jobs (id, tenant_id, type, queue, version, state, priority, rank, payload, submitted_by, seed,
        max_attempts, created_ms, replay_of)
      values (${jobId}, ${tenantId}, ${type}, 'backtest', 1, 'running', 5, 5, ${JSON.stringify(payload)}, 'somebody',
        0, 1, 0, ${replayOf})`.execute(db);
    const handler = handlers[type] as (deps: unknown, payload: unknown, ctx: unknown) => Promise<unknown>;
    const ctx = fixtureContext<never>(db, { tenantId, jobId, now });
    const result = contracts[type].result.parse(await handler(deps, payload, ctx));
    await db
      .insertInto("jobInputs")
      .values(
        ctx.inputs.map(({ kind, ref, label, details }) => ({
          jobId,
          kind,
          ref,
          label,
          details: JSON.stringify(details ?? null),
        })),
      )
      .execute();
    await db
      .updateTable("jobs")
      .set({ state: "completed", result: JSON.stringify(result), endedMs: nowMs })
      .where("id", "=", jobId)
      .execute();
    return { jobId, result };
  }

  /** The close of one bar a thousandth higher, as of now. */
  async function revise(bar: number): Promise<number> {
    const { openMs } = rows[bar]!;
    await sql`
      insert into bars (series_id, open_ms, revision, close_ms, open, high, low, close, volume, visible_ms, recorded_ms, job_id)
      select series_id, open_ms, 2, close_ms, open, high, low, close * 1.001, volume, ${nowMs - 1}, ${nowMs - 1}, job_id
      from bars where open_ms = ${openMs}`.execute(db);
    await sql`update series set revised = true, data_version = data_version + 1, max_visible_ms = ${nowMs - 1}`.execute(
      db,
    );
    return openMs;
  }

  const caller: Caller = { principalId: "u", kind: "user", tenantId, role: "viewer", requestId: "r" };
  return {
    db,
    deps,
    tenantId,
    caller,
    run,
    revise,
    backtest: async (payload: object, replayOf?: string) =>
      BacktestResult.parse((await run("backtest", payload, replayOf)).result),
    close,
  };
}

export type ReportFixture = Awaited<ReturnType<typeof reportFixture>>;

/** What a route handler gets for an address with this id. */
export const input = (id: string) => ({
  params: { id },
  query: undefined,
  body: undefined,
  request: new Request("http://localhost/"),
});

export const crossover = (fast: number, slow: number) => ({
  instrumentId,
  strategy: { kind: "builtIn", name: "maCrossover", params: { fast, slow } },
});
