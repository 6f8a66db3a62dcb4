import type { MarketInstrument } from "./market.ts";
import type { FeatureColumn } from "./strategy.ts";

/** The feature columns of a run, by formula, then by instrument. */
export interface Features {
  readonly values: ReadonlyArray<Float64Array | Uint8Array>;
  /** Instrument whose bars the column goes with; -1: it has a clock of its own. */
  readonly instrument: Int32Array;
  /** Row of the last value known, of columns with their own clock. */
  readonly row: Int32Array;
  /** Moves those to a time. */
  follow(nowMs: number): void;
}

export function createFeatures(
  columns: readonly FeatureColumn[],
  instruments: readonly MarketInstrument[],
): Features {
  const n = instruments.length;
  const row = new Int32Array(columns.length).fill(-1);
  const instrument = Int32Array.from(columns, (column, j) =>
    column.closeMs === instruments[j % n]!.bars.closeMs ? j % n : -1,
  );
  const own = columns.flatMap((_, j) => (instrument[j]! < 0 ? [j] : []));
  return {
    values: columns.map((column) => column.values),
    instrument,
    row,
    follow(nowMs) {
      for (let o = 0; o < own.length; o++) {
        const j = own[o]!;
        const { closeMs } = columns[j]!;
        let at = row[j]!;
        while (at + 1 < closeMs.length && closeMs[at + 1]! <= nowMs) at++;
        row[j] = at;
      }
    },
  };
}
