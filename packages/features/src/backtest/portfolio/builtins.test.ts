import { sha256 } from "@tapedeck/core/hash";
import { monthlyStocks } from "@tapedeck/testkit";
import {
  createEngine,
  createPortfolioStrategy,
  fillRows,
  noCosts,
  plainInstrument,
  portfolioStrategies,
} from "@tapedeck/trading";
import { beforeAll, describe, expect, test } from "vitest";

/**
 * Golden runs: each built-in over several instruments, on ten years of monthly prices of four shares. The hashes are those of the plain
 * reference below, which knows neither the engine nor its stages: one array of prices a share, one loop over the months.
 */
const dayMs = 86_400_000;
const cash = 100_000;
const fee = 0.001;
/** A tenth ties up: no order is cut for want of cash. */
const margin = 0.1;

type Prices = Record<string, number[]>;
/** Units wanted of each share at a close; those that are left out keep theirs. */
type Wanted = Record<string, number>;
/** `past` ends with the last close. */
type Reference = (past: Prices, equity: number, held: Record<string, number>) => Wanted | undefined;

let shares: Prices;

beforeAll(async () => {
  const rows = await monthlyStocks();
  shares = Object.fromEntries(
    ["AAPL", "AMZN", "IBM", "MSFT"].map((symbol) => [symbol, rows.get(symbol)!.map((bar) => bar.close)]),
  );
});

const last = (prices: number[]) => prices.at(-1)!;
const mean = (x: number[]) => x.reduce((sum, value) => sum + value, 0) / x.length;
const covariance = (x: number[], y: number[]) =>
  mean(x.map((value, t) => (value - mean(x)) * (y[t]! - mean(y))));
const returnsOf = (prices: number[], count: number) =>
  Array.from({ length: count }, (_, t) => {
    const i = prices.length - count + t;
    return prices[i]! / prices[i - 1]! - 1;
  });
const everyNth = (n: number, month: number, first: number) => month >= first && (month - first) % n === 0;

/** Weights brought nearer, round by round, to where every share adds the same to the variance. */
function equalRisk(matrix: number[][]): number[] {
  let weights = matrix.map((row, i) => 1 / Math.sqrt(row[i]!));
  for (let round = 0; round < 5_000; round++) {
    const marginal = matrix.map((row) => row.reduce((sum, value, j) => sum + value * weights[j]!, 0));
    const total = weights.reduce((sum, weight, i) => sum + weight * marginal[i]!, 0);
    weights = weights.map(
      (weight, i) => weight * Math.sqrt(total / weights.length / (weight * marginal[i]!)),
    );
  }
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** One thing on two venues, the second a wave around the first. */
const venues = (): Prices => ({
  "A@ONE": shares["IBM"]!,
  "A@TWO": shares["IBM"]!.map((price, i) => price * (1 + 0.02 * Math.sin(i / 2))),
});

interface Golden {
  params: Record<string, number>;
  prices: () => Prices;
  reference: () => Reference;
  fills: number;
  hash: string;
}

const golden: Record<string, Golden> = {
  equalWeight: {
    params: { every: 6, invested: 0.9 },
    prices: () => shares,
    reference: () => (past, equity) => {
      const month = past["IBM"]!.length - 1;
      if (!everyNth(6, month, 0)) return undefined;
      return Object.fromEntries(
        Object.entries(past).map(([id, prices]) => [id, (equity * 0.9) / 4 / last(prices)]),
      );
    },
    fills: 84,
    hash: "69cb323230b71b5b370777b404d3fde1106e25b7a975998d5a0410938f0a8c7c",
  },
  momentumRotation: {
    params: { window: 12, hold: 2, every: 3, invested: 0.9 },
    prices: () => shares,
    reference: () => (past, equity) => {
      const month = past["IBM"]!.length - 1;
      if (!everyNth(3, month, 12)) return undefined;
      const risen = Object.entries(past)
        .map(([id, prices]) => ({ id, rise: last(prices) / prices.at(-13)! - 1 }))
        .filter(({ rise }) => rise > 0)
        .sort((a, b) => b.rise - a.rise)
        .slice(0, 2)
        .map(({ id }) => id);
      return Object.fromEntries(
        Object.entries(past).map(([id, prices]) => [
          id,
          risen.includes(id) ? (equity * 0.45) / last(prices) : 0,
        ]),
      );
    },
    fills: 73,
    hash: "d2374d6766c85322ae9a7760d8052b84c4dc44a16b667f0469a8707d1c3c5645",
  },
  riskParity: {
    params: { window: 24, every: 6, invested: 0.9 },
    prices: () => shares,
    reference: () => (past, equity) => {
      const month = past["IBM"]!.length - 1;
      if (!everyNth(6, month, 24)) return undefined;
      const ids = Object.keys(past);
      const returns = ids.map((id) => returnsOf(past[id]!, 24));
      const weights = equalRisk(returns.map((x) => returns.map((y) => covariance(x, y))));
      return Object.fromEntries(ids.map((id, k) => [id, (equity * 0.9 * weights[k]!) / last(past[id]!)]));
    },
    fills: 68,
    hash: "a08b083294c140d02d890d2ddceaea58b09513a4a6799bbabd87b1a2638a771f",
  },
  volatilityTarget: {
    params: { window: 12, target: 0.2, barsPerYear: 12, most: 0.8, every: 2 },
    prices: () => shares,
    reference: () => (past, equity) => {
      const month = past["IBM"]!.length - 1;
      if (!everyNth(2, month, 12)) return undefined;
      const raw = Object.entries(past).map(([id, prices]) => {
        const x = returnsOf(prices, 12);
        return { id, price: last(prices), weight: 0.2 / Math.sqrt(covariance(x, x) * 12) / 4 };
      });
      const gross = raw.reduce((sum, { weight }) => sum + weight, 0);
      const scale = gross > 0.8 ? 0.8 / gross : 1;
      return Object.fromEntries(raw.map(({ id, price, weight }) => [id, (equity * weight * scale) / price]));
    },
    fills: 220,
    hash: "25ebe8bda06907a1788c65ba1b4b51a472bbe060e37d1d01f1741187595030f7",
  },
  pairsZScore: {
    params: { window: 12, entry: 1.5, exit: 0.5, stop: 2.5, leg: 0.1 },
    prices: () => ({ AAPL: shares["AAPL"]!, MSFT: shares["MSFT"]! }),
    reference: () => {
      let side = 0;
      return (past, equity) => {
        if (past["AAPL"]!.length < 13) return undefined;
        const [y, x] = [past["AAPL"]!.slice(-12).map(Math.log), past["MSFT"]!.slice(-12).map(Math.log)];
        const hedge = covariance(x, y) / covariance(x, x);
        const spread = y.map((value, t) => value - hedge * x[t]!);
        const z = (last(spread) - mean(spread)) / Math.sqrt(covariance(spread, spread));
        const before = side;
        if (side !== 0 && (Math.abs(z) <= 0.5 || Math.abs(z) >= 2.5)) side = 0;
        else if (side === 0 && Math.abs(z) >= 1.5 && Math.abs(z) < 2.5) side = -Math.sign(z);
        if (side === before) return undefined;
        return {
          AAPL: (side * equity * 0.1) / last(past["AAPL"]!),
          MSFT: (-side * equity * 0.1) / last(past["MSFT"]!),
        };
      };
    },
    fills: 28,
    hash: "f4a5ba20b1671cd956ae5a66287e02efe4b46674b4fd398c1d7ad429dac9a1ae",
  },
  crossVenueArbitrage: {
    params: { entry: 0.015, exit: 0.005, leg: 0.4 },
    prices: venues,
    reference: () => {
      let side = 0;
      return (past, equity) => {
        const [one, two] = [last(past["A@ONE"]!), last(past["A@TWO"]!)];
        const gap = one / two - 1;
        const before = side;
        const met = Math.abs(gap) <= 0.005 || Math.sign(gap) === side;
        if (side !== 0 && met) side = 0;
        else if (side === 0 && Math.abs(gap) >= 0.015) side = gap > 0 ? -1 : 1;
        if (side === before) return undefined;
        const units = (side * equity * 0.4) / Math.max(one, two);
        return { "A@ONE": units, "A@TWO": -units };
      };
    },
    fills: 76,
    hash: "44bbbb9a33c83100d6b1189f1a50c48c64ca746bb9cd5c9101f635f059815d27",
  },
  twapEntry: {
    params: { slices: 5, invested: 0.9 },
    prices: () => shares,
    reference: () => (past, equity, held) => {
      const ids = Object.keys(past);
      if (past[ids[0]!]!.length > 5) return undefined;
      return Object.fromEntries(ids.map((id) => [id, held[id]! + (equity * 0.9) / 4 / 5 / last(past[id]!)]));
    },
    fills: 20,
    hash: "dc5ab670168a6c3a1c7261653e52b6975b58c202ea6d727fbcbfc37a0c9f0af5",
  },
};

/** Month, share, units and price of a fill, to eight digits: sums in another order end in other last places. */
const lineOf = (month: number, id: string, units: number, price: number) =>
  `${month} ${id} ${units.toPrecision(8)} ${price}`;

/** What is wanted at a month's price is traded at the next month's: first what lessens a position, then the rest, by name. */
function referenceLines(prices: Prices, decide: Reference): string[] {
  const lines: string[] = [];
  const ids = Object.keys(prices).sort();
  const held = Object.fromEntries(ids.map((id) => [id, 0]));
  let money = cash;
  let orders: Array<{ id: string; units: number }> = [];
  for (let month = 0; month < prices[ids[0]!]!.length; month++) {
    const lessens = ({ id, units }: { id: string; units: number }) => held[id]! * units < 0;
    for (const { id, units } of [...orders.filter(lessens), ...orders.filter((order) => !lessens(order))]) {
      const price = prices[id]![month]!;
      money -= units * price + Math.abs(units) * price * fee;
      held[id]! += units;
      if (Math.abs(held[id]!) < 1e-9) held[id] = 0;
      lines.push(lineOf(month, id, units, price));
    }
    const past = Object.fromEntries(ids.map((id) => [id, prices[id]!.slice(0, month + 1)]));
    const equity = money + ids.reduce((sum, id) => sum + held[id]! * prices[id]![month]!, 0);
    const wanted = decide(past, equity, held) ?? {};
    orders = ids
      .flatMap((id) => (wanted[id] === undefined ? [] : [{ id, units: wanted[id] - held[id]! }]))
      .filter(({ units }) => units !== 0);
  }
  return lines;
}

function engineLines(name: string, params: Record<string, number>, prices: Prices): string[] {
  const ids = Object.keys(prices);
  const { strategy } = createPortfolioStrategy(name, params, ids.length);
  const instruments = ids.map((id) => {
    const column = Float64Array.from(prices[id]!);
    const openMs = column.map((_, i) => i * dayMs);
    const bars = {
      openMs,
      closeMs: openMs.map((ms) => ms + dayMs),
      open: column,
      high: column,
      low: column,
      close: column,
      volume: column,
    };
    return { ...plainInstrument(id, bars), initialMargin: margin };
  });
  const engine = createEngine(
    instruments,
    strategy,
    {
      baseCurrency: "USD",
      initialCash: cash,
      costs: { ...noCosts, fees: { ...noCosts.fees, takerRate: fee } },
      innerPath: "pessimistic",
      shortfall: "reject",
      rates: {},
    },
    () => {
      throw new Error("no formulas");
    },
  );
  while (!engine.advance(100));
  const { postings, instruments: sorted } = engine.state;
  return [...fillRows(postings)].map((row) =>
    lineOf(
      postings.bar[row]!,
      sorted[postings.instrument[row]!]!.id,
      postings.quantity[row]!,
      postings.price[row]!,
    ),
  );
}

describe("golden runs of the built-in strategies over several instruments", () => {
  test("there is one for each", () => {
    expect(Object.keys(golden).sort()).toEqual(portfolioStrategies.map((strategy) => strategy.name).sort());
  });

  test.each(Object.keys(golden))("%s", (name) => {
    const { params, prices, reference, fills, hash } = golden[name]!;
    const lines = referenceLines(prices(), reference());
    const mine = engineLines(name, params, prices());
    expect({ fills: lines.length, hash: sha256(lines.join("\n")) }, "the reference").toEqual({ fills, hash });
    expect(mine).toEqual(lines);
  });
});
