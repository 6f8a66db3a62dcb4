/** Bars as columns, and the columns of trades they are made from. */

/** Public trades in the order in which they arrived. */
export interface Ticks {
  /** Milliseconds since 1970, UTC. */
  readonly timeMs: Float64Array;
  readonly price: Float64Array;
  readonly size: Float64Array;
}

export interface Bar {
  openMs: number;
  /** From here on the bar may be used: the end of its half-open bucket, or the time of the trade that closed it. */
  closeMs: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  /** Trades in the bar. */
  ticks: number;
}

export type BarColumns = { readonly [K in keyof Bar]: Float64Array };

/** A table of closed bars that grows. */
export interface BarTable {
  readonly count: number;
  /** Columns of at least `count` rows; they are replaced when the table grows. */
  readonly columns: BarColumns;
  add(bar: Readonly<Bar>): void;
  /** The closed bars, as columns of exactly `count` rows. */
  copy(): BarColumns;
}

function makeColumns(length: number): BarColumns {
  const column = (): Float64Array => new Float64Array(length);
  return {
    openMs: column(),
    closeMs: column(),
    open: column(),
    high: column(),
    low: column(),
    close: column(),
    volume: column(),
    ticks: column(),
  };
}

const NAMES = Object.keys(makeColumns(0)) as (keyof Bar)[];

export function createBarTable(capacity = 1024): BarTable {
  let columns = makeColumns(capacity);
  let count = 0;
  return {
    get count() {
      return count;
    },
    get columns() {
      return columns;
    },
    add(bar) {
      if (count === columns.open.length) {
        const grown = makeColumns(2 * count);
        for (const name of NAMES) grown[name].set(columns[name]);
        columns = grown;
      }
      columns.openMs[count] = bar.openMs;
      columns.closeMs[count] = bar.closeMs;
      columns.open[count] = bar.open;
      columns.high[count] = bar.high;
      columns.low[count] = bar.low;
      columns.close[count] = bar.close;
      columns.volume[count] = bar.volume;
      columns.ticks[count] = bar.ticks;
      count++;
    },
    copy() {
      const rows = makeColumns(count);
      for (const name of NAMES) rows[name].set(columns[name].subarray(0, count));
      return rows;
    },
  };
}

/**
 * Builds bars from trades given in any portions: the same bars, bit for bit, however they are split. A bar is in
 * `closed` only once nothing can change it; the one still open is never there.
 */
export interface BarBuilder {
  readonly closed: BarTable;
  /** Reads trades [from, to). Throws a RangeError at a price that is not above 0 or a size below 0. */
  advance(ticks: Ticks, from: number, to: number): void;
  /** A copy of the bar still open; undefined where none is. */
  forming(): Bar | undefined;
}

/** Throws where trades [from, to) hold something that is no trade. */
export function checkTicks({ timeMs, price, size }: Ticks, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    if (price[i]! > 0 && price[i]! < Infinity && size[i]! >= 0 && size[i]! < Infinity && timeMs[i]! >= 0)
      continue;
    throw new RangeError(
      `trade ${i} has time ${timeMs[i]}, price ${price[i]}, size ${size[i]}: a trade needs a time, a price above 0 and a size of at least 0`,
    );
  }
}
