import type { LiveBar, Quote, Tick } from "@tapedeck/features/ticks/contract";
import { useEffect, useState } from "react";
import { live } from "../../live.ts";

/** What the monitor shows of an instrument. */
export interface Watched {
  price: number | undefined;
  /** Of the last two prices. */
  direction: "up" | "down" | undefined;
  /** Over the last minute, as a fraction; null while there is no price of then. */
  change: number | null;
  /** Mean of the closes of the one-second bars of the last five minutes; null before the first. */
  average: number | null;
  /** Seconds that the average covers so far. */
  averageSeconds: number;
  /** Closes of one-second bars, oldest first. */
  closes: readonly number[];
  quote: Quote | undefined;
  eventMs: number | undefined;
  refusal: string | undefined;
}

const nothing: Watched = {
  price: undefined,
  direction: undefined,
  change: null,
  average: null,
  averageSeconds: 0,
  closes: [],
  quote: undefined,
  eventMs: undefined,
  refusal: undefined,
};

const fiveMinutesMs = 300_000;
const minuteMs = 60_000;
/** Drawn at most this often, however many prints come. */
const drawMs = 200;

/** The numbers of a row from its bars, by the newest print's time. */
export function summarise(bars: readonly LiveBar[], price: number, eventMs: number): Partial<Watched> {
  const recent = bars.filter((bar) => bar.closeMs > eventMs - fiveMinutesMs);
  const before = bars.findLast((bar) => bar.closeMs <= eventMs - minuteMs);
  const closes = recent.map((bar) => bar.close);
  return {
    change: before === undefined ? null : price / before.close - 1,
    average: closes.length === 0 ? null : closes.reduce((sum, close) => sum + close, 0) / closes.length,
    averageSeconds: recent.length === 0 ? 0 : Math.round((eventMs - recent[0]!.openMs) / 1_000),
    closes,
  };
}

/** An instrument as it trades. */
export function useWatched(instrumentId: string): Watched {
  const [shown, setShown] = useState<Watched>(nothing);
  useEffect(() => {
    let bars: LiveBar[] = [];
    let now: Watched = nothing;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = (next: Partial<Watched>) => {
      now = { ...now, ...next };
      timer ??= setTimeout(() => {
        timer = undefined;
        const { price, eventMs } = now;
        if (price !== undefined && eventMs !== undefined)
          now = { ...now, ...summarise(bars, price, eventMs) };
        setShown(now);
      }, drawMs);
    };
    const print = (tick: Tick) => {
      if (now.eventMs !== undefined && tick.eventMs < now.eventMs) return;
      const { price: last } = now;
      const direction =
        last === undefined || tick.price === last ? now.direction : tick.price > last ? "up" : "down";
      draw({ price: tick.price, eventMs: tick.eventMs, direction });
    };
    const takeBar = (bar: LiveBar) => {
      const at = bars.findIndex((one) => one.openMs === bar.openMs);
      if (at === -1) bars = [...bars, bar].toSorted((a, b) => a.openMs - b.openMs).slice(-2 * 300);
      else bars[at] = bar;
      draw({});
    };
    const offs = [
      live.subscribe(
        { channel: "ticks", instrumentId },
        {
          snapshot: (data) => (data as Tick[]).forEach(print),
          delta: (data) => print(data as Tick),
          refused: (refusal) => draw({ refusal }),
        },
      ),
      live.subscribe(
        { channel: "bars", instrumentId, timeframe: "1s" },
        {
          snapshot(data) {
            bars = data as LiveBar[];
            draw({});
          },
          delta: (data) => takeBar(data as LiveBar),
        },
      ),
      live.subscribe(
        { channel: "quotes", instrumentId },
        {
          snapshot: (data) => draw({ quote: (data as Quote | null) ?? undefined }),
          delta: (data) => draw({ quote: data as Quote }),
        },
      ),
    ];
    return () => {
      clearTimeout(timer);
      for (const off of offs) off();
    };
  }, [instrumentId]);
  return shown;
}
