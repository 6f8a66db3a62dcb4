import { instrumentOfSentiment } from "@tapedeck/formula";
import type { Bar } from "@tapedeck/formula";
import type { LiveTimeframe } from "@tapedeck/features/ticks/contract";
import type { Elsewhere } from "./elsewhere.ts";
import type { LiveSentiments } from "./sentiments.ts";
import { barsKey } from "./watch.ts";
import type { Series, WatchOptions } from "./watch.ts";

export interface LiveSeriesOptions {
  /** The id of an instrument as a formula names it. */
  idOf(name: string): string;
  has(instrumentId: string): boolean;
  /** The newest final bars that are kept, oldest first. */
  history(instrumentId: string, timeframe: LiveTimeframe, limit: number): Promise<readonly Bar[]>;
  elsewhere: Elsewhere;
  sentiments: LiveSentiments;
  /** Takes rows of a tenant's series. */
  takeRows(key: string, rows: readonly Bar[]): void;
}

/** Where the series come from that live formulas read: instruments, here or in another process, and sentiment. */
export function createLiveSeries(options: LiveSeriesOptions): WatchOptions["seriesOf"] {
  const { has, elsewhere, sentiments } = options;

  function sentimentOf(name: string, tenantId: string): Series {
    const of = { tenantId, name };
    const key = `${tenantId} sentiment ${name}`;
    return {
      key,
      history: () => sentiments.rows(of),
      follow: () => sentiments.follow(of, (rows) => options.takeRows(key, rows)),
      // Nobody knows what will have been published by then.
      isLate: () => false,
    };
  }

  return (name, { timeframe, tenantId }) => {
    const about = instrumentOfSentiment(name);
    if (about !== undefined) return sentimentOf(about, tenantId);
    const instrumentId = options.idOf(name);
    return {
      key: barsKey(instrumentId, timeframe),
      history: (limit) => options.history(instrumentId, timeframe, limit),
      follow: () => elsewhere.follow(instrumentId, timeframe),
      isLate: () => !has(instrumentId),
    };
  };
}
