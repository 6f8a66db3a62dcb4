/** Venue messages parsed, checked, numbered and made into bars, beside JSON.parse alone. */
import { createBarMaker } from "../apps/stream/src/bars.ts";
import { createIntake } from "../apps/stream/src/intake.ts";
import { binanceProtocol } from "../packages/platform/src/venues/live/binance.ts";
import { createSequence } from "../packages/platform/src/venues/live/sequence.ts";
import { calendarOf } from "../packages/trading/src/calendar/index.ts";
import { report } from "./figure.ts";

const REPEATS = 7;
const MESSAGES = 200_000;

const startMs = Date.UTC(2026, 0, 5);
const frames = Array.from({ length: MESSAGES }, (_, i) =>
  JSON.stringify({
    e: "aggTrade",
    E: startMs + i,
    s: "BTCUSDT",
    a: i + 1,
    p: (60_000 + (i % 997) / 10).toFixed(2),
    q: "0.01500",
    f: i,
    l: i,
    T: startMs + i,
    m: i % 2 === 0,
    M: true,
  }),
);

/** Messages a second of CPU time. */
function rate(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return MESSAGES / ((user + system) / 1e6);
}

function toBars(): void {
  const instrumentId = "BTCUSDT.BINANCE";
  const protocol = binanceProtocol({ market: "spot", now: () => startMs });
  const sequence = createSequence(undefined);
  const lateLimitMs = 600_000;
  const fromMs = () => nowMs - lateLimitMs;
  const intake = createIntake({ venue: "binance", fromMs });
  const bars = createBarMaker({ venue: "binance", graceMs: 500, fromMs });
  intake.add(instrumentId);
  bars.open(instrumentId, calendarOf("24x7"), []);
  let nowMs = startMs;
  for (const frame of frames) {
    for (const message of protocol.parse(frame)) {
      if (message.kind !== "trade") continue;
      const { tradeId, symbol: _symbol, ...print } = message.trade;
      if (sequence.take({ tradeId: tradeId!, eventMs: print.eventMs }).kind === "duplicate") continue;
      nowMs = print.eventMs;
      const placed = intake.take({ instrumentId, ...print }, nowMs);
      if (placed !== undefined) bars.add(placed);
    }
    if (nowMs % 100 === 0) {
      bars.finish(nowMs);
      bars.changed();
    }
  }
}

function parseAlone(): void {
  let last = 0;
  for (const frame of frames) last = (JSON.parse(frame) as { a: number }).a;
  if (last !== MESSAGES) throw new Error("not every frame was parsed");
}

toBars();
parseAlone();
const ours: number[] = [];
const theirs: number[] = [];
for (let i = 0; i < REPEATS; i++) {
  ours.push(rate(toBars));
  theirs.push(rate(parseAlone));
}
report({
  figure: "Binance trades parsed, checked, numbered and made into bars",
  unit: "messages/s of CPU time",
  ours,
  peer: "JSON.parse of the same frames",
  theirs,
});
