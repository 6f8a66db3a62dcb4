/** Prints of a venue into PostgreSQL, durable: stored beside COPY of the same rows, and the whole way from frames on one core. */
import { newId } from "@tapedeck/core";
import type { Log } from "@tapedeck/core";
import type { Database } from "@tapedeck/features/db";
import { createSeriesWriter } from "@tapedeck/features/series/writer";
import { copyTrades, encodeTrades } from "@tapedeck/features/series/tradeCopy";
import { claimInstruments } from "@tapedeck/features/ticks/place-store";
import { createDb } from "@tapedeck/platform/postgres/index";
import { calendarOf } from "@tapedeck/trading/calendar/index";
import { CompiledQuery } from "kysely";
import { createBarMaker } from "../apps/stream/src/bars.ts";
import { addTick, newChunk } from "../apps/stream/src/chunk.ts";
import { createChunkStore } from "../apps/stream/src/chunkStore.ts";
import { createIntake } from "../apps/stream/src/intake.ts";
import { createRecorder } from "../apps/stream/src/recorder.ts";
import { binanceProtocol } from "../packages/platform/src/venues/live/binance.ts";
import { createSequence } from "../packages/platform/src/venues/live/sequence.ts";
import { report } from "./figure.ts";
import { benchDatabase } from "./server.ts";

const REPEATS = 5;
const SYMBOLS = 10;
const PRINTS = 300_000;
const CHUNK = 20_000;
const lateLimitMs = 600_000;
const startMs = Date.UTC(2026, 0, 5);

const database = await benchDatabase();
const db = createDb<Database>(database.url, { max: 2 });
const silent = () => undefined;
const log = { debug: silent, info: silent, warn: silent, error: console.error } as unknown as Log;
const runId = newId(startMs);
const writer = createSeriesWriter({ db });
/** Nothing is spilled: a venue that is faster than the store waits. */
const refuse = (): never => {
  throw new Error("the benchmark spills nothing");
};
const chunks = createChunkStore({ db, venue: "binance", now: () => startMs, putAside: refuse, log });

const symbols = Array.from({ length: SYMBOLS }, (_, i) => `SYM${i}USDT`);
const idOf = (symbol: string) => `${symbol}.BINANCE`;
for (const symbol of symbols)
  await db.transaction().execute((tx) =>
    writer.ensureInstrument(
      tx,
      {
        instrumentId: idOf(symbol),
        symbol,
        venue: "BINANCE",
        name: symbol,
        assetClass: "crypto",
        currency: "USDT",
        calendar: "24x7",
        tickSize: null,
        lotSize: null,
        minNotional: null,
        space: "shared",
      },
      runId,
      startMs,
    ),
  );
await claimInstruments(db, {
  venue: "binance",
  runId,
  instrumentIds: symbols.map(idOf),
  most: SYMBOLS,
  ttlMs: 1e9,
});

/** Each repeat goes on in time where the last one ended, as a venue does: two prints a millisecond, of all symbols in turn. */
const timeOf = (place: number) => startMs + Math.floor(place / 2);
const priceOf = (i: number) => 60_000 + (i % 997) / 10;

/** The same prints, ready to be stored. */
function chunksOf(from: number): ReturnType<typeof newChunk>[] {
  return Array.from({ length: PRINTS / CHUNK }, (_, k) => {
    const chunk = newChunk(runId);
    for (let i = from + k * CHUNK; i < from + (k + 1) * CHUNK; i++)
      addTick(chunk, {
        venue: "binance",
        instrumentId: idOf(symbols[i % SYMBOLS]!),
        seq: i,
        eventMs: timeOf(i),
        receivedMs: timeOf(i),
        price: priceOf(i),
        size: 0.015,
        side: "buy",
        ordinal: 0,
      });
    for (const part of Object.values(chunk.instruments)) part.kept = { place: null, bars: [] };
    return chunk;
  });
}

/** Prints a second. */
async function rate(work: () => Promise<void>): Promise<number> {
  const from = performance.now();
  await work();
  return PRINTS / ((performance.now() - from) / 1_000);
}

let next = 0;
const take = () => {
  const from = next;
  next += PRINTS;
  return from;
};

const [stored, copied, whole]: [number[], number[], number[]] = [[], [], []];
const cores: number[] = [];
for (let repeat = 0; repeat <= REPEATS; repeat++) {
  const ours = chunksOf(take());
  const storing = await rate(async () => {
    for (const chunk of ours) await chunks.store(chunk);
  });
  // Bytes that only have to be sent, into a series of the same table.
  const bytes = chunksOf(take()).map((chunk) =>
    encodeTrades(
      Object.values(chunk.instruments).map(({ ticks }, i) => ({
        seriesId: 1_000_000 + i,
        rows: ticks,
        at: ticks.eventMs.map((_, k) => k),
      })),
      { recordedMs: startMs, jobId: runId },
    ),
  );
  const copying = await rate(async () => {
    for (const rows of bytes) await db.executeQuery(CompiledQuery.raw(copyTrades, [rows]));
  });
  const frames = framesOf(take());
  const before = process.cpuUsage();
  const from = performance.now();
  const way = await rate(() => wholeWay(frames));
  const { user, system } = process.cpuUsage(before);
  // The first warms all.
  if (repeat === 0) continue;
  stored.push(storing);
  copied.push(copying);
  whole.push(way);
  cores.push((user + system) / 1_000 / (performance.now() - from));
}

function framesOf(from: number): string[] {
  return Array.from({ length: PRINTS }, (_, k) => {
    const i = from + k;
    return JSON.stringify({
      e: "aggTrade",
      E: timeOf(i),
      s: symbols[i % SYMBOLS],
      a: Math.floor(i / SYMBOLS) + 1,
      p: priceOf(i).toFixed(2),
      q: "0.01500",
      f: i,
      l: i,
      T: timeOf(i),
      m: i % 2 === 0,
      M: true,
    });
  });
}

/** Frames parsed, checked for gaps, numbered, made into bars of five lengths, and all stored; bounded memory. */
async function wholeWay(frames: readonly string[]): Promise<void> {
  const protocol = binanceProtocol({ market: "spot", now: () => startMs });
  let nowMs = startMs;
  const fromMs = () => nowMs - lateLimitMs;
  const intake = createIntake({ venue: "binance", fromMs });
  const bars = createBarMaker({ venue: "binance", graceMs: 500, fromMs });
  const sequences = new Map(symbols.map((symbol) => [symbol, createSequence(undefined)]));
  for (const symbol of symbols) {
    intake.add(idOf(symbol));
    bars.open(idOf(symbol), calendarOf("24x7"), []);
  }
  const recorder = createRecorder({
    runId,
    store: chunks.store,
    spill: { bytes: () => 0, setAside: () => 0, append: refuse, replay: refuse, putAside: refuse },
    log,
    keep: (instrumentId) => ({
      place: sequences.get(instrumentId.split(".")[0]!)!.place() ?? null,
      bars: bars.long(instrumentId),
    }),
    everyMs: 500,
    chunkRows: CHUNK,
    maxRows: 1e9,
  });
  let announcedMs = 0;
  for (const frame of frames) {
    for (const message of protocol.parse(frame)) {
      if (message.kind !== "trade") continue;
      const { tradeId, symbol, ...print } = message.trade;
      if (sequences.get(symbol)!.take({ tradeId: tradeId!, eventMs: print.eventMs }).kind === "duplicate")
        continue;
      nowMs = print.eventMs;
      const placed = intake.take({ instrumentId: idOf(symbol), ...print }, nowMs)!;
      bars.add(placed);
      recorder.tick(placed);
    }
    if (nowMs - announcedMs < 100) continue;
    announcedMs = nowMs;
    for (const bar of bars.finish(nowMs)) recorder.bar(bar);
    bars.changed();
    // As sockets do: the loop turns between two reads; a venue that is faster than the store waits.
    await new Promise((resolve) => setImmediate(resolve));
    while (recorder.stats().pending > 2 * CHUNK) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await recorder.flush();
  const { pending, lost, away } = recorder.stats();
  if (pending > 0 || lost > 0 || away) throw new Error("not every print was stored");
  await recorder.close(1_000);
}

report({
  figure: `prints of ${SYMBOLS} instruments stored, ${CHUNK} a transaction`,
  unit: "prints/s into PostgreSQL, durable",
  ours: stored,
  peer: "COPY of the same rows, encoded before",
  theirs: copied,
  aim: 0.8,
});
report({
  figure: `Binance trades of ${SYMBOLS} instruments parsed, numbered, made into bars and stored`,
  unit: "messages/s into PostgreSQL, durable, by one process",
  ours: whole,
  peer: "COPY of the same rows, encoded before",
  theirs: copied,
});
console.error(`cores of the process on the whole way: ${cores.map((share) => share.toFixed(2)).join(", ")}`);
await db.destroy();
await database.close();
process.exit(0);
