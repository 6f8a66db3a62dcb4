/** Reference values of options and bonds against packages/quant/src/options. */
import { QuantError } from "@tapedeck/quant/options/index";
import * as q from "@tapedeck/quant/options/index";
import type { GoldenFolder } from "./golden.ts";
import { comparedEntries, manifestEntries, readJson } from "./tally.ts";
import type { Tally } from "./tally.ts";

type Row = Record<string, number | null> & { type: q.OptionType };

function inputsOf(row: Row): q.OptionInputs {
  return {
    type: row.type,
    spot: row["S"]!,
    strike: row["K"]!,
    years: row["T"]!,
    rate: row["r"]!,
    dividend: row["q"]!,
    volatility: row["vol"] ?? 0,
  };
}

const greeks = [
  "price",
  "delta",
  "gamma",
  "vega",
  "theta",
  "rho",
  "phi",
  "dualDelta",
  "dualGamma",
  "vanna",
  "volga",
  "charm",
  "veta",
  "speed",
] as const;

function compareGrid(folder: string, t: Tally): string {
  for (const row of readJson<{ grid: Row[] }>(folder, "bsm.json").grid) {
    const o = inputsOf(row);
    const at = `${o.type} ${o.spot} ${o.years} ${o.volatility}`;
    const got = q.blackScholes(o);
    for (const name of greeks) {
      const want = row[name]!;
      const tolerance = Math.abs(want) > 1e-8 * o.spot ? { rel: 1e-10 } : { abs: 1e-12 * o.spot };
      t.near(got[name], want, tolerance, `${at} ${name}`);
    }
    const other = q.optionPrice({ ...o, type: o.type === "call" ? "put" : "call" });
    const parity = o.spot * Math.exp(-o.dividend * o.years) - o.strike * Math.exp(-o.rate * o.years);
    const spread = o.type === "call" ? got.price - other : other - got.price;
    t.near(spread, parity, { abs: 1e-11 * o.spot }, `${at} parity`);
  }
  return "blackScholes";
}

function compareLimits(folder: string, t: Tally): string {
  for (const row of readJson<{ limits: Row[] }>(folder, "bsm.json").limits) {
    const got = q.blackScholes(inputsOf(row));
    for (const name of ["price", "delta", "gamma", "vega"] as const) {
      t.near(got[name], row[name], { abs: 1e-12 }, `${row.type} ${row["S"]} ${row["T"]} ${name}`);
    }
    for (const name of greeks) t.same(Number.isNaN(got[name]), false, `${row.type} ${row["S"]} ${name}`);
  }
  return "blackScholes";
}

function compareImplied(folder: string, t: Tally): string {
  type Case = Row & { determined: boolean; relativeTolerance: number; expected: string };
  const golden = readJson<{ cases: Case[]; errors: Case[] }>(folder, "implied_vol.json");
  for (const row of golden.cases) {
    const o = inputsOf(row);
    const price = row["price"]!;
    const at = `${o.type} ${o.strike} ${o.years} ${row["vol"]}`;
    if (row.determined) {
      t.near(q.impliedVolatility(o, price), row["vol"], { rel: row.relativeTolerance }, at);
      continue;
    }
    // The price fixes no volatility: a refusal is right, and so is any volatility whose price rounds to it.
    try {
      const volatility = q.impliedVolatility(o, price);
      const rounding = 1e-13 * Math.max(price, o.spot);
      t.near(q.optionPrice({ ...o, volatility }), price, { abs: rounding }, `${at} price`);
    } catch (error) {
      t.same(error instanceof QuantError, true, at);
    }
  }
  for (const row of golden.errors) {
    const at = `${row.type} at ${row["price"]}`;
    if (row.expected.startsWith("0 or")) t.same(q.impliedVolatility(inputsOf(row), row["price"]!), 0, at);
    else t.refused(() => q.impliedVolatility(inputsOf(row), row["price"]!), at);
  }
  return "impliedVolatility";
}

function compareBlack76(folder: string, t: Tally): string {
  for (const row of readJson<Row[]>(folder, "black76.json")) {
    const got = q.black76({
      type: row.type,
      forward: row["F"]!,
      strike: row["K"]!,
      years: row["T"]!,
      rate: row["r"]!,
      volatility: row["vol"]!,
    });
    const at = `${row.type} ${row["F"]} ${row["K"]}`;
    for (const name of ["price", "gamma", "vega", "theta", "rho"] as const) {
      t.near(got[name], row[name], { rel: 1e-11 }, `${at} ${name}`);
    }
    t.near(got.delta, row["deltaForward"], { rel: 1e-11 }, `${at} delta`);
  }
  return "black76";
}

function compareAmerican(folder: string, t: Tally): string {
  for (const row of readJson<Row[]>(folder, "american.json")) {
    const o = inputsOf(row);
    const at = `${o.type} ${o.spot} ${o.years} ${o.rate} ${o.dividend}`;
    for (const [steps, abs] of [
      [501, 5e-3],
      [2001, 1e-3],
    ] as const) {
      const got = q.americanPrice(o, steps);
      t.near(got, row["price"], { abs }, `${at} in ${steps} steps`);
      const intrinsic = Math.max((o.type === "call" ? 1 : -1) * (o.spot - o.strike), 0);
      t.reaches(got, Math.max(q.optionPrice(o), intrinsic), 0, `${at} floor`);
    }
  }
  return "americanPrice";
}

function compareExotic(folder: string, t: Tally): string {
  type Barrier = Row & { barrierType: q.BarrierKind };
  const golden = readJson<{ digital: Row[]; barrier: Barrier[] }>(folder, "exotic.json");
  for (const row of golden.digital) {
    const got = q.digitalOption(inputsOf(row));
    t.near(got.cashOrNothing, row["cashOrNothing1"], { rel: 1e-9 }, `${row.type} ${row["S"]} cash`);
    t.near(got.assetOrNothing, row["assetOrNothing"], { rel: 1e-9 }, `${row.type} ${row["S"]} asset`);
  }
  for (const row of golden.barrier) {
    const o = inputsOf(row);
    const got = q.barrierOption(o, row.barrierType, row["barrier"]!);
    const at = `${row.type} ${row.barrierType} ${row["S"]}`;
    t.near(got, row["price"], { rel: 1e-9 }, at);
    const swap = { downIn: "downOut", downOut: "downIn", upIn: "upOut", upOut: "upIn" } as const;
    const other = q.barrierOption(o, swap[row.barrierType], row["barrier"]!);
    t.near(got + other, row["european"], { abs: 1e-9 }, `${at} in and out`);
  }
  return "digitalOption, barrierOption";
}

function compareBonds(folder: string, t: Tally): string {
  type Golden = Record<keyof q.Bond | keyof q.BondValue | "yield" | "priceAtYieldPlus1pct", number>;
  for (const row of readJson<Golden[]>(folder, "bonds.json")) {
    const got = q.bondValue(row, row.yield);
    const at = `bond ${row.couponRate} ${row.periods}`;
    for (const name of ["price", "macaulayDuration", "modifiedDuration", "convexity", "dv01"] as const) {
      t.near(got[name], row[name], { rel: 1e-11 }, `${at} ${name}`);
    }
    t.near(q.bondValue(row, row.yield + 0.01).price, row.priceAtYieldPlus1pct, { rel: 1e-11 }, `${at} moved`);
    t.near(q.bondYield(row, row.price), row.yield, { abs: 1e-11 }, `${at} yield`);
  }
  return "bondValue, bondYield";
}

const comparisons: Record<string, (folder: string, t: Tally) => string> = {
  "bsm.grid": compareGrid,
  "bsm.limits": compareLimits,
  implied_vol: compareImplied,
  black76: compareBlack76,
  american: compareAmerican,
  exotic: compareExotic,
  bonds: compareBonds,
};

export const options: GoldenFolder = {
  name: "options",
  entries: (folder) => comparedEntries("options", manifestEntries(folder), folder, comparisons),
};
