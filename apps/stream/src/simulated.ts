import { simulatedVenue } from "@tapedeck/features/series/contract";
import { seededRandom } from "@tapedeck/core";
import type { Log } from "@tapedeck/core";
import type { Instrument } from "@tapedeck/features/series/contract";
import type { TickSource, VenueTick } from "./source.ts";

const stepMs = 20;
/** A machine that slept goes on from now: what would have been meanwhile is not made up afterwards. */
const sleepMs = 5_000;
/** Symbols at once. */
export const maxSymbols = 100;
const symbolPattern = /^[A-Z0-9][A-Z0-9-]{0,19}$/;
const yearMs = 365 * 86_400_000;

/** The process, in numbers; docs/stream.md explains it. */
const model = {
  /** Standard deviation of the logarithm of the price over a year, were there no pull. */
  volatility: 0.6,
  /** Half of the distance to the base price is gone after this time. */
  halfLifeMs: 3_600_000,
  tickSize: 0.01,
  /** Share of ticks that arrive late, and by how much at most. */
  lateShare: 0.01,
  lateMs: 2_000,
};

export interface SimulatedOptions {
  symbols: readonly string[];
  seed: number;
  /** Of each symbol, on average. */
  ticksPerSecond: number;
  now(): number;
  log: Log;
}

interface Path {
  instrumentId: string;
  next(): { tick: VenueTick; arrivesMs: number };
  /** When the next tick happens. */
  dueMs: number;
  restart(nowMs: number): void;
}

/**
 * The ticks of one symbol: waiting times are exponential, the logarithm of the price over its base is an
 * Ornstein-Uhlenbeck process sampled exactly at those times, sizes are lognormal. A pure function of seed, symbol,
 * rate and start.
 */
export function simulatedPath(symbol: string, options: Omit<SimulatedOptions, "log" | "symbols">): Path {
  const random = seededRandom(options.seed, `simulated ${symbol}`);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const meanGapMs = 1_000 / options.ticksPerSecond;
  const pull = Math.LN2 / model.halfLifeMs;
  const base = Math.exp(Math.log(20) + random() * Math.log(25));
  const gap = () => -Math.log(1 - random()) * meanGapMs;
  let x = 0;
  let atMs = options.now();
  let gapMs = gap();

  const path: Path = {
    instrumentId: `${symbol}.${simulatedVenue}`,
    dueMs: atMs + gapMs,
    restart(nowMs) {
      atMs = nowMs;
      path.dueMs = atMs + gapMs;
    },
    next() {
      const decay = Math.exp(-pull * gapMs);
      const variance = (((model.volatility * model.volatility) / yearMs) * (1 - decay * decay)) / (2 * pull);
      const before = x;
      x = x * decay + Math.sqrt(variance) * normal();
      const price = Math.max(
        model.tickSize,
        Math.round((base * Math.exp(x)) / model.tickSize) * model.tickSize,
      );
      const size = Math.max(0.001, Math.round(Math.exp(normal()) * 1_000) / 1_000);
      const late = random() < model.lateShare ? random() * model.lateMs : 0;
      atMs += gapMs;
      gapMs = gap();
      path.dueMs = atMs + gapMs;
      const eventMs = Math.floor(atMs);
      return {
        tick: {
          instrumentId: path.instrumentId,
          eventMs,
          price: Number(price.toFixed(2)),
          size,
          side: x >= before ? "buy" : "sell",
        },
        arrivesMs: eventMs + late,
      };
    },
  };
  return path;
}

function instrumentOf(symbol: string): Instrument {
  return {
    instrumentId: `${symbol}.${simulatedVenue}`,
    symbol,
    venue: simulatedVenue,
    name: `${symbol} (simulated)`,
    assetClass: "other",
    currency: "USD",
    calendar: "24x7",
    tickSize: String(model.tickSize),
    lotSize: null,
    minNotional: null,
    space: "shared",
  };
}

/** Prices that nobody traded at, for trying things out without a network. */
export function createSimulatedSource(options: SimulatedOptions): TickSource {
  const { now, log } = options;
  const instruments = options.symbols.slice(0, maxSymbols).map(instrumentOf);
  const paths: Path[] = [];
  let started = false;
  let timer: NodeJS.Timeout | undefined;
  return {
    venue: "simulated",
    simulated: true,
    seed: options.seed,
    instruments,
    async add(symbol, ready) {
      if (instruments.length >= maxSymbols || !symbolPattern.test(symbol)) return;
      const instrument = instrumentOf(symbol);
      await ready(instrument);
      instruments.push(instrument);
      if (started) paths.push(simulatedPath(symbol, options));
    },
    start(sink) {
      started = true;
      for (const { symbol } of instruments) paths.push(simulatedPath(symbol, options));
      const late: { tick: VenueTick; arrivesMs: number }[] = [];
      let lastMs = now();
      timer = setInterval(() => {
        const nowMs = now();
        if (nowMs - lastMs > sleepMs || nowMs < lastMs) {
          log.warn({ behindMs: nowMs - lastMs }, "the clock jumped; the simulated venue goes on from now");
          for (const path of paths) path.restart(nowMs);
        }
        lastMs = nowMs;
        const due: VenueTick[] = [];
        for (let i = late.length - 1; i >= 0; i--)
          if (late[i]!.arrivesMs <= nowMs) due.push(late.splice(i, 1)[0]!.tick);
        for (const path of paths)
          while (path.dueMs <= nowMs) {
            const made = path.next();
            if (made.arrivesMs <= nowMs) due.push(made.tick);
            else late.push(made);
          }
        for (const tick of due) sink.tick(tick);
      }, stepMs);
    },
    places: () => new Map(),
    status: () => null,
    stop() {
      clearInterval(timer);
    },
  };
}
