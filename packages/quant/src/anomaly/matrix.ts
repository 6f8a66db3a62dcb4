/** Rows of several features, row-major: checks and standardisation. */
import { QuantError, requireSeries, requireWhole } from "../error.ts";

/**
 * Number of rows of data [n, columns].
 * @throws QuantError unequalLengths, tooFew below `least` rows, notFinite with row and column.
 */
export function requireRows(data: Float64Array, columns: number, least: number): number {
  requireWhole(columns, "columns", 1);
  const n = data.length / columns;
  if (!Number.isInteger(n)) {
    throw new QuantError(
      "unequalLengths",
      `data has ${data.length} values, which are no whole rows of ${columns} columns`,
    );
  }
  if (n < least) throw new QuantError("tooFew", `data has ${n} rows; at least ${least} are needed`);
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i]!)) {
      const at = `${Math.floor(i / columns)}, ${i % columns}`;
      throw new QuantError("notFinite", `data[${at}] is ${data[i]}; remove the row or fill it first`);
    }
  }
  return n;
}

/** Refuses a row that has not one finite value for each of `columns` features. */
export function requireRow(row: Float64Array, columns: number): void {
  if (row.length !== columns) {
    throw new QuantError("unequalLengths", `the row has ${row.length} values; ${columns} are needed`);
  }
  requireSeries(row, "row", 1);
}

/** One column of data [n, columns]. */
export function columnOf(data: Float64Array, columns: number, column: number): Float64Array {
  return Float64Array.from({ length: data.length / columns }, (_, i) => data[i * columns + column]!);
}

export interface Standardised {
  /** [n, columns]: (value - mean) / deviation. */
  readonly data: Float64Array;
  readonly means: Float64Array;
  /** Population standard deviations (ddof 0). */
  readonly deviations: Float64Array;
}

/**
 * Columns of data [n, columns] with mean 0 and population standard deviation 1.
 * @throws QuantError undefined for a column that does not vary.
 */
export function standardise(data: Float64Array, columns: number): Standardised {
  const n = requireRows(data, columns, 2);
  const means = new Float64Array(columns);
  const deviations = new Float64Array(columns);
  for (let i = 0; i < data.length; i++) means[i % columns]! += data[i]! / n;
  for (let i = 0; i < data.length; i++) deviations[i % columns]! += (data[i]! - means[i % columns]!) ** 2 / n;
  for (let j = 0; j < columns; j++) {
    deviations[j] = Math.sqrt(deviations[j]!);
    if (!(deviations[j]! > 1e-14 * Math.abs(means[j]!))) {
      throw new QuantError("undefined", `column ${j} does not vary: drop it before standardising`);
    }
  }
  return {
    data: data.map((v, i) => (v - means[i % columns]!) / deviations[i % columns]!),
    means,
    deviations,
  };
}
