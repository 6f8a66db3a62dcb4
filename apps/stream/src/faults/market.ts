import type { LiveBinance } from "@tapedeck/testkit/liveBinance";
import type { Kysely } from "kysely";
import { sql } from "kysely";

const symbols = ["BTCUSDT", "ETHUSDT"] as const;
/** Number of a symbol's first trade at the loopback venue. */
const firstId = 1_000;

/** A venue that trades all the time, and what must be stored of it. */
export interface Market {
  symbols: readonly string[];
  /** Trades so far. */
  made(): number;
  /**
   * Waits until every trade that was made by now is stored once; gives how long that took. Throws when it did not come to
   * that in time.
   */
  whole(withinMs: number): Promise<number>;
  /**
   * Waits until each second and minute that has ended has the bar that its stored trades make, and none has another; trading
   * has stopped. Throws when it did not come to that in time.
   */
  barsWhole(withinMs: number): Promise<void>;
  stop(): void;
}

/** The trade's number is its size: what is stored says which it was. */
export function startMarket(options: {
  venue: LiveBinance;
  db: Kysely<unknown>;
  /** Of each symbol. */
  tradesPerSecond: number;
}): Market {
  const { venue, db, tradesPerSecond } = options;
  const counts = symbols.map(() => 0);
  const everyMs = 20;
  let owed = 0;
  const timer = setInterval(() => {
    for (owed += (tradesPerSecond * everyMs) / 1_000; owed >= 1; owed -= 1)
      symbols.forEach((symbol, i) => {
        const size = firstId + counts[i]!;
        venue.trade(100 + (size % 1_000) / 10, { size, symbol });
        counts[i]! += 1;
      });
  }, everyMs);

  /** What was found whole already is not read again. */
  const verified = symbols.map(() => ({ first: null as number | null, sinceMs: 0 }));

  /** Trades of a symbol up to one: how many there are, how many different ones, and the first. */
  async function stored(i: number, last: number) {
    const { first, sinceMs } = verified[i]!;
    const { rows } = await sql<{ all: number; different: number; first: number | null }>`
      select count(*)::int as all, count(distinct size)::int as different, min(size)::float8 as first
      from trades join series using (series_id)
      where series.instrument_id = ${`${symbols[i]}.BINANCE`} and series.kind = 'trades'
        and event_ms >= ${sinceMs} and size between ${first ?? 0} and ${last}`.execute(db);
    return rows[0]!;
  }

  async function missing(wanted: readonly number[]): Promise<string | undefined> {
    for (const [i, symbol] of symbols.entries()) {
      const last = firstId + wanted[i]! - 1;
      const { all, different, first } = await stored(i, last);
      if (all !== different) return `${symbol}: ${all - different} trades are stored twice`;
      const from = verified[i]!.first ?? first;
      if (from === null || different !== last - from + 1)
        return `${symbol}: ${different} of the trades ${from} to ${last} are stored`;
    }
    return undefined;
  }

  /** Number and time of a trade of each second, so that a later look can begin at one. */
  const marks = symbols.map(() => [] as { first: number; sinceMs: number }[]);
  const marking = setInterval(() => {
    const sinceMs = Date.now();
    counts.forEach((count, i) => marks[i]!.push({ first: firstId + count, sinceMs }));
  }, 1_000);

  /** What was made a minute before the last of these is not looked at again. */
  function verify(wanted: readonly number[]): void {
    for (const [i, count] of wanted.entries()) {
      const known = marks[i]!.findLastIndex(({ first }) => first < firstId + count);
      if (known < 60) continue;
      verified[i] = marks[i]![known - 60]!;
      marks[i]!.splice(0, known - 60);
    }
  }

  /** Seconds and minutes, ended by a time, whose newest bar is not what their stored trades make, or that have none. */
  async function wrongBars(endedMs: number): Promise<number> {
    const { rows } = await sql<{ wrong: number }>`
      with prints as (
        select distinct on (series.instrument_id, event_ms, ordinal)
          series.instrument_id, event_ms, ordinal, price, size
        from trades join series using (series_id)
        order by series.instrument_id, event_ms, ordinal, revision desc
      ), wanted as (
        select instrument_id, timeframe, event_ms - event_ms % length as open_ms,
          (array_agg(price order by event_ms, ordinal))[1] as open, max(price) as high, min(price) as low,
          (array_agg(price order by event_ms desc, ordinal desc))[1] as close, sum(size) as volume
        from prints cross join (values ('1s', 1000), ('1m', 60000)) as frames (timeframe, length)
        where event_ms - event_ms % length + length <= ${endedMs}
        group by 1, 2, 3
      ), made as (
        select distinct on (series.series_id, bars.open_ms)
          series.instrument_id, series.timeframe, bars.open_ms, bars.open, bars.high, bars.low, bars.close, bars.volume
        from bars join series using (series_id)
        where series.timeframe in ('1s', '1m') and bars.close_ms <= ${endedMs}
        order by series.series_id, bars.open_ms, bars.revision desc
      )
      select count(*)::int as wrong from wanted w full join made m using (instrument_id, timeframe, open_ms)
      where (m.open, m.high, m.low, m.close, m.volume) is distinct from (w.open, w.high, w.low, w.close, w.volume)`.execute(
      db,
    );
    return rows[0]!.wrong;
  }

  return {
    symbols,
    made: () => counts.reduce((sum, count) => sum + count, 0),
    async whole(withinMs) {
      const wanted = [...counts];
      const startedMs = performance.now();
      for (;;) {
        const fault = await missing(wanted).catch((error: unknown) => String(error));
        const tookMs = performance.now() - startedMs;
        if (fault === undefined) {
          verify(wanted);
          return tookMs;
        }
        if (tookMs > withinMs) throw new Error(`after ${Math.round(tookMs)} ms: ${fault}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async barsWhole(withinMs) {
      const endedMs = Date.now();
      const startedMs = performance.now();
      for (;;) {
        const wrong = await wrongBars(endedMs);
        if (wrong === 0) return;
        if (performance.now() - startedMs > withinMs)
          throw new Error(`${wrong} bars are missing, or not what their trades make`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    stop() {
      clearInterval(timer);
      clearInterval(marking);
    },
  };
}
