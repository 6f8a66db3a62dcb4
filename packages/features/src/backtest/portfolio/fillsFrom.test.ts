import { readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { newId } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import { dataDir, hasData, leaveOutUnless } from "@tapedeck/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEvidenceStore } from "../../evidence/store.ts";
import { createFormulaLibrary } from "../../indicators/library.ts";
import { ingestFixture, tenantId } from "../../ingest/ingest.fixture.ts";
import type { Instrument, TradeRows } from "../../series/contract.ts";
import { createSeriesReader } from "../../series/reader.ts";
import { createSeriesWriter } from "../../series/writer.ts";
import { fixtureContext, putBars } from "../books.fixture.ts";
import type { FixtureBar } from "../books.fixture.ts";
import { createStrategyModules } from "../modules/folder.ts";
import { backtestRouteHandlers } from "../read.ts";
import { portfolioBacktest, PortfolioBacktestPayload } from "./contract.ts";
import { runPortfolioBacktest } from "./run.ts";

/** Orders that meet shorter bars, or trades, than decisions are made by. */

const now = () => Date.UTC(2026, 0, 2);
const minuteMs = 60_000;
const request = new Request("http://localhost/");
const caller: Caller = { principalId: "u", kind: "user", tenantId, role: "viewer", requestId: "r" };
let fixture: Awaited<ReturnType<typeof ingestFixture>>;
let deps: Parameters<typeof runPortfolioBacktest>[0];

/** A Wednesday of trades, [ms after midnight, price, size]. */
const startMs = Date.UTC(2024, 6, 3);
const made: ReadonlyArray<readonly [number, number, number]> = [
  [1_000, 100, 5],
  [20_000, 99, 5],
  [59_000, 98, 5],
  // At the very end of the first minute: a trade of the second, which a decision at that close does not meet.
  [60_000, 97, 5],
  [61_000, 96, 4],
  [61_000, 95, 3],
  [61_000, 94, 9],
  [100_000, 90, 5],
  [119_000, 101, 5],
  [121_000, 102, 5],
  [150_000, 103, 5],
  [181_000, 104, 5],
];

beforeAll(async () => {
  fixture = await ingestFixture();
  const { db, blobs } = fixture;
  deps = {
    blobs,
    series: createSeriesReader({ db, blobs, now }),
    evidence: createEvidenceStore({ db, now }),
    formulas: createFormulaLibrary({ db }),
    strategies: createStrategyModules({
      dir: path.resolve(import.meta.dirname, "../../../../../strategies"),
    }),
  };
  await putTrades(
    { instrumentId: "T.TEST", assetClass: "crypto", calendar: "24x7" },
    made.map(([at, ...rest]) => [startMs + at, ...rest]),
  );
  const hours = (count: number, every: number): FixtureBar[] =>
    Array.from({ length: count }, (_, i) => {
      const price = 100 + i;
      return [startMs + i * every, price, price + 0.5, price - 0.5, price + 0.25, 1_000] as const;
    });
  for (const instrumentId of ["A.TEST", "B.TEST"]) {
    const facts = { instrumentId, assetClass: "crypto", calendar: "24x7" } as const;
    await putBars(db, facts, "15m", hours(96, 15 * minuteMs));
  }
});
afterAll(() => fixture.close());

/** An instrument and its trades, [ms, price, size]; those of one millisecond in their order. */
async function putTrades(
  facts: Pick<Instrument, "instrumentId" | "assetClass" | "calendar">,
  trades: ReadonlyArray<readonly [number, number, number]>,
): Promise<void> {
  const writer = createSeriesWriter({ db: fixture.db });
  const jobId = newId(0);
  const [symbol, venue] = facts.instrumentId.split(".") as [string, string];
  const open = { name: symbol, currency: "USD", tickSize: null, lotSize: null, minNotional: null };
  let ordinal = 0;
  const rows: TradeRows = {
    eventMs: trades.map(([ms]) => ms),
    ordinal: trades.map(([ms], i) => (ordinal = trades[i - 1]?.[0] === ms ? ordinal + 1 : 0)),
    price: trades.map(([, price]) => price),
    size: trades.map(([, , size]) => size),
    venue: trades.map(() => null),
  };
  await fixture.db.transaction().execute(async (tx) => {
    await writer.ensureInstrument(tx, { ...open, ...facts, symbol, venue, space: "shared" }, jobId, 0);
    const target = { space: "shared", timeframe: "tick", jobId, recordedMs: rows.eventMs.at(-1)! };
    await writer.writeLiveTrades(tx, target, new Map([[facts.instrumentId, rows]]));
  });
}

async function run(payload: object) {
  const ctx = fixtureContext<never>(fixture.db, { tenantId, now });
  const asked = PortfolioBacktestPayload.parse({
    costs: { takerBps: 0, makerBps: 0, slippage: { kind: "fixed", bps: 0 } },
    sizing: { kind: "fixedQuantity", quantity: "2" },
    ...payload,
  });
  const result = portfolioBacktest.result.parse(await runPortfolioBacktest(deps, asked, ctx));
  const { items } = await backtestRouteHandlers.listBacktestFills(
    { ...deps, db: fixture.db },
    { params: { id: result.runId }, query: { limit: 100 }, body: undefined, request },
    caller,
  );
  return {
    result,
    inputs: ctx.inputs,
    fills: items.map(({ atMs, side, quantity, price, reason }) => [
      atMs - startMs,
      side === "buy" ? quantity : -quantity,
      price,
      reason,
    ]),
  };
}

const onTrades = { instruments: ["T.TEST"], timeframe: "1m", fillsFrom: "trades" };

describe("made trades", () => {
  test("an entry takes the first trade after its decision, its stop the first at its level", async () => {
    const { result, fills, inputs } = await run({
      ...onTrades,
      strategy: { kind: "rules", entry: "close == 98" },
      protection: { stopLoss: 0.05 },
    });
    // Bought at 96: the stop at 91.2 is met by the trade at 90, not at its level.
    expect(fills).toEqual([
      [61_000, 2, 96, "entry"],
      [100_000, -2, 90, "stopGap"],
    ]);
    expect(result.instruments[0]).toMatchObject({ timeframe: "1m", bars: 4, fillRows: 12, roundTrips: 1 });
    expect(result.instants).toBe(4);
    expect(result.statistics.finalEquity).toBe(100_000 - 2 * 6);
    expect(inputs.map(({ label }) => label.split(" ")[1])).toEqual(["1m", "tick"]);
    expect(result.assumptions.join(" ")).toContain("the next stored trade");
  });

  test("a cap on the volume is a share of each trade", async () => {
    const { fills } = await run({
      ...onTrades,
      strategy: { kind: "rules", entry: "close == 98" },
      sizing: { kind: "fixedQuantity", quantity: "7" },
      costs: { takerBps: 0, makerBps: 0, slippage: { kind: "fixed", bps: 0 }, volumeShare: 0.5 },
    });
    expect(fills).toEqual([
      [61_000, 2, 96, "entry"],
      [61_000, 1.5, 95, "entry"],
      [61_000, 3.5, 94, "entry"],
    ]);
  });

  test("latency passes over the trades before it", async () => {
    const { fills } = await run({
      ...onTrades,
      strategy: { kind: "rules", entry: "close == 98" },
      costs: { takerBps: 0, makerBps: 0, slippage: { kind: "fixed", bps: 0 }, latencyMs: 2_000 },
    });
    expect(fills).toEqual([[100_000, 2, 90, "entry"]]);
  });
});

test("decided by the hour, filled at quarters; a bar that has not closed is never seen", async () => {
  const { result, fills } = await run({
    instruments: ["A.TEST"],
    timeframe: "1h",
    fillsFrom: { timeframe: "15m" },
    // The second hour's four quarters close at 104.25 … 107.25.
    strategy: { kind: "rules", entry: "close == 107.25" },
    protection: { maxBars: 1 },
  });
  expect(fills).toEqual([
    [120 * minuteMs, 2, 108, "entry"],
    [180 * minuteMs, -2, 112, "time"],
  ]);
  expect(result.instruments[0]).toMatchObject({ timeframe: "1h", bars: 24, fillRows: 96 });
  expect(result.instants).toBe(24);
});

test("instruments of other timeframes on one clock", async () => {
  const { result, fills } = await run({
    instruments: ["A.TEST", "B.TEST"],
    timeframe: "15m",
    timeframes: { "B.TEST": "1h" },
    strategy: { kind: "rules", entry: "close == 107.25", exit: "close == 111.25" },
  });
  // Both see 107.25 at the end of the second hour; A sells a bar after its quarter, B after its hour.
  expect(fills).toEqual([
    [120 * minuteMs, 2, 108, "entry"],
    [120 * minuteMs, 2, 108, "entry"],
    [180 * minuteMs, -2, 112, "signal"],
    [180 * minuteMs, -2, 112, "signal"],
  ]);
  expect(result.instruments.map(({ timeframe, bars }) => [timeframe, bars])).toEqual([
    ["15m", 96],
    ["1h", 24],
  ]);
  const early = await run({
    instruments: ["A.TEST", "B.TEST"],
    timeframe: "15m",
    timeframes: { "B.TEST": "1h" },
    strategy: { kind: "rules", entry: "close == 104.25" },
  });
  // The quarter that closes at 104.25 is no hour's close: B never enters.
  expect(early.result.instruments.map(({ roundTrips }) => roundTrips)).toEqual([1, 0]);
});

test.each([
  [
    "bars that are not shorter",
    { instruments: ["A.TEST"], timeframe: "1h", fillsFrom: { timeframe: "1h" } },
    "payload.invalid",
    "not shorter",
  ],
  [
    "a timeframe of another instrument",
    { instruments: ["A.TEST"], timeframe: "1h", timeframes: { "B.TEST": "15m" } },
    "payload.invalid",
    "B.TEST",
  ],
  [
    "bars inside a trade",
    { ...onTrades, innerPath: { timeframe: "1m" } },
    "payload.invalid",
    "inside a trade",
  ],
  [
    "an instrument without trades",
    { instruments: ["A.TEST"], timeframe: "1h", fillsFrom: "trades" },
    "data.missing",
    "no trades of A.TEST",
  ],
])("refuses %s", async (_, payload, code, words) => {
  await expect(run({ ...payload, strategy: { kind: "rules", entry: "close > 0" } })).rejects.toMatchObject({
    code,
    message: expect.stringContaining(words) as string,
  });
});

leaveOutUnless(hasData, "DATA_DIR")("a day of real trades", () => {
  test("every fill is the first trade after its decision, on SPY of 8 October 2013", async () => {
    const trades = gunzipSync(readFileSync(path.join(dataDir, "equities/SPY-trades-20131008.csv.gz")))
      .toString()
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.split(",", 3).map(Number) as [number, number, number]);
    await putTrades({ instrumentId: "SPY.XNYS", assetClass: "fund", calendar: "XNYS" }, trades);
    const [fromMs, toMs] = [Date.UTC(2013, 9, 8, 13, 30), Date.UTC(2013, 9, 8, 15, 30)];
    const { result, fills } = await run({
      instruments: ["SPY.XNYS"],
      timeframe: "5m",
      fromMs,
      toMs,
      fillsFrom: "trades",
      strategy: {
        kind: "rules",
        entry: "crossover(close, sma(close, 3))",
        exit: "crossunder(close, sma(close, 3))",
      },
    });
    const inside = trades.filter(([ms]) => ms >= fromMs && ms < toMs);
    const every = 5 * minuteMs;
    const close = Array.from(
      { length: (toMs - fromMs) / every },
      (_, i) => inside.findLast(([ms]) => ms < fromMs + (i + 1) * every)![1],
    );
    const above = close.map((price, i) => price - (price + close[i - 1]! + close[i - 2]!) / 3);
    const expected: unknown[] = [];
    for (let i = 3; i < close.length; i++) {
      const held = expected.length % 2 === 1;
      const told = held ? above[i - 1]! >= 0 && above[i]! < 0 : above[i - 1]! <= 0 && above[i]! > 0;
      const first = inside.find(([ms]) => ms > fromMs + (i + 1) * every);
      if (!told || first === undefined) continue;
      expected.push([first[0] - startMs, held ? -2 : 2, first[1], held ? "signal" : "entry"]);
    }
    expect(fills.length).toBeGreaterThan(4);
    expect(fills).toEqual(expected);
    expect(result.instruments[0]!.fillRows).toBe(inside.length);
  });
});
