/** Index = code in the kind column. */
export const postingKinds = [
  "fill",
  "dividend",
  "funding",
  "borrow",
  "interest",
  "split",
  "conversion",
] as const;
export type PostingKind = (typeof postingKinds)[number];

export const fillFlags = { maker: 1, pathDependent: 2, liquidation: 4, gap: 8 } as const;

/**
 * Everything that moved cash or a position, in the order it happened; the first `count` of each column count. Amount of cash, in
 * the instrument's currency (`currency`, an index): fill: -(quantity × price × multiplier) - fee; dividend, funding, borrow,
 * interest: quantity × price; conversion: quantity of `currency` bought for quantity × price + fee of the base; split: none.
 */
export interface Postings {
  count: number;
  kind: Uint8Array;
  instrument: Int32Array;
  currency: Int32Array;
  /** Bar of the instrument. */
  bar: Int32Array;
  timeMs: Float64Array;
  /** Signed: positive buys. */
  quantity: Float64Array;
  price: Float64Array;
  fee: Float64Array;
  /** Rate by which `fee` was computed. */
  feeRate: Float64Array;
  /** Currency lost against the price before spread and slippage. */
  slippage: Float64Array;
  /** Base currency for one of that currency, then. */
  rate: Float64Array;
  /** Cash of that currency after it. */
  cash: Float64Array;
  flags: Uint8Array;
  order: Int32Array;
  /** Of fills: an index into `fillReasons`. */
  reason: Uint8Array;
}

export function emptyPostings(capacity = 256): Postings {
  return {
    count: 0,
    kind: new Uint8Array(capacity),
    instrument: new Int32Array(capacity),
    currency: new Int32Array(capacity),
    bar: new Int32Array(capacity),
    timeMs: new Float64Array(capacity),
    quantity: new Float64Array(capacity),
    price: new Float64Array(capacity),
    fee: new Float64Array(capacity),
    feeRate: new Float64Array(capacity),
    slippage: new Float64Array(capacity),
    rate: new Float64Array(capacity),
    cash: new Float64Array(capacity),
    flags: new Uint8Array(capacity),
    order: new Int32Array(capacity),
    reason: new Uint8Array(capacity),
  };
}

/** The next row's index; the columns double when full. */
export function nextPosting(postings: Postings): number {
  if (postings.count === postings.kind.length) {
    const { count, ...columns } = postings;
    const { count: _, ...grown } = emptyPostings(count * 2);
    for (const name of Object.keys(columns) as Array<keyof typeof columns>) grown[name].set(columns[name]);
    Object.assign(postings, grown);
  }
  return postings.count++;
}

/** Rows that are fills, in order. */
export function* fillRows(postings: Postings): Generator<number> {
  for (let k = 0; k < postings.count; k++) if (postings.kind[k] === 0) yield k;
}
