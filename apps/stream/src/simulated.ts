import { simulatedVenue } from "@tapedeck/features/series/contract";
import { createOrderBook, seededRandom } from "@tapedeck/core";
import type { BookSide, Log, OrderBook } from "@tapedeck/core";
import type { Instrument } from "@tapedeck/features/series/contract";
import type { TickSink, TickSource, VenueTick } from "./source.ts";

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

/** Levels of each side, a tick apart. */
const bookLevels = 25;

interface Followed {
  path: Path;
  book: SimulatedBook;
}

interface SimulatedBook {
  levels: OrderBook;
  /** Bids rest up to a tick below a print's price, asks from a tick above it; sizes of levels that come near are new. */
  moveTo(price: number): void;
}

export function simulatedBook(random: () => number): SimulatedBook {
  const levels = createOrderBook();
  /** Lowest and highest tick that has a level; bids and asks meet at `middle`. */
  let middle: number | undefined;
  const priceOf = (tick: number) => Number((tick * model.tickSize).toFixed(2));
  const newSize = () => Math.round((0.1 - Math.log(1 - random())) * 1_000) / 1_000;

  function place(side: BookSide, tick: number, size: number): void {
    if (tick > 0) levels.set(side, priceOf(tick), size);
  }

  function lay(at: number): void {
    levels.clear();
    for (let step = 1; step <= bookLevels; step++) {
      place("bid", at - step, newSize());
      place("ask", at + step, newSize());
    }
    middle = at;
  }

  return {
    levels,
    moveTo(price) {
      const at = Math.max(2, Math.round(price / model.tickSize));
      if (middle === undefined || Math.abs(at - middle) > bookLevels) return lay(at);
      for (; middle < at; middle++) {
        place("ask", middle + 1, 0);
        place("bid", middle, newSize());
        place("bid", middle - bookLevels, 0);
        place("ask", middle + 1 + bookLevels, newSize());
      }
      for (; middle > at; middle--) {
        place("bid", middle - 1, 0);
        place("ask", middle, newSize());
        place("ask", middle + bookLevels, 0);
        place("bid", middle - 1 - bookLevels, newSize());
      }
    },
  };
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

/** Prices that nobody traded at, and a book around them, for trying things out without a network. */
export function createSimulatedSource(options: SimulatedOptions): TickSource {
  const { now, log } = options;
  const instruments = options.symbols.slice(0, maxSymbols).map(instrumentOf);
  const followed = new Map<string, Followed>();
  const late: { tick: VenueTick; arrivesMs: number }[] = [];
  let sink: TickSink;
  let lastMs = now();
  let timer: NodeJS.Timeout | undefined;

  /** Ticks that are due, the late ones first. */
  function due(nowMs: number): VenueTick[] {
    const ticks: VenueTick[] = [];
    for (let i = late.length - 1; i >= 0; i--)
      if (late[i]!.arrivesMs <= nowMs) ticks.push(late.splice(i, 1)[0]!.tick);
    for (const { path } of followed.values())
      while (path.dueMs <= nowMs) {
        const made = path.next();
        if (made.arrivesMs <= nowMs) ticks.push(made.tick);
        else late.push(made);
      }
    return ticks;
  }

  function step(): void {
    const nowMs = now();
    if (nowMs - lastMs > sleepMs || nowMs < lastMs) {
      log.warn({ behindMs: nowMs - lastMs }, "the clock jumped; the simulated venue goes on from now");
      for (const { path } of followed.values()) path.restart(nowMs);
    }
    lastMs = nowMs;
    for (const tick of due(nowMs)) {
      const { instrumentId, eventMs, price } = tick;
      // What is late may be of an instrument that was left meanwhile.
      const book = followed.get(instrumentId)?.book;
      if (book === undefined) continue;
      sink.tick(tick);
      book.moveTo(price);
      sink.book({ instrumentId, eventMs, book: book.levels });
      const [[bid, bidSize], [ask, askSize]] = [
        book.levels.best("bid", 1)[0]!,
        book.levels.best("ask", 1)[0]!,
      ];
      sink.quote({ instrumentId, eventMs, bid, bidSize, ask, askSize });
    }
  }

  return {
    venue: "simulated",
    simulated: true,
    seed: options.seed,
    instruments,
    add(symbol) {
      if (instruments.length >= maxSymbols || !symbolPattern.test(symbol)) return undefined;
      const instrument = instrumentOf(symbol);
      instruments.push(instrument);
      return instrument;
    },
    start(given) {
      sink = given;
      lastMs = now();
      timer = setInterval(step, stepMs);
    },
    follow(instrumentId) {
      const { symbol } = instruments.find((one) => one.instrumentId === instrumentId)!;
      followed.set(instrumentId, {
        path: simulatedPath(symbol, options),
        book: simulatedBook(seededRandom(options.seed, `simulated book ${symbol}`)),
      });
    },
    leave: (instrumentId) => void followed.delete(instrumentId),
    places: () => new Map(),
    status: () => null,
    stop() {
      clearInterval(timer);
    },
  };
}
