import type { ColumnRole, DataKind } from "./contract.ts";

/** What sources call their columns, without case, marks and spaces. The first of a list that is there wins. */
const words: Record<ColumnRole, readonly string[]> = {
  date: [
    "date",
    "datetime",
    "timestamp",
    "opentime",
    "openms",
    "opentimestamp",
    "time",
    "timems",
    "eventms",
    "eventtime",
    "ts",
    "day",
    "tradedate",
    "tradingday",
    "tradingdate",
    "exdate",
    "effectivedate",
    "datum",
    "fecha",
    "unix",
    "unixtimestamp",
    "epoch",
    "gmttime",
    "localtime",
    "closetime",
    "closems",
    "transacttime",
    "t",
    "period",
    "month",
    "week",
    "begin",
  ],
  time: ["time", "timeofday", "hour", "uhrzeit", "clock", "zeit"],
  open: ["open", "openprice", "o", "first", "eroffnung", "eroeffnung", "erster", "pxopen", "priceopen"],
  high: ["high", "highprice", "h", "max", "hoch", "pxhigh", "pricehigh"],
  low: ["low", "lowprice", "l", "min", "tief", "pxlow", "pricelow"],
  close: [
    "close",
    "closeprice",
    "closelast",
    "c",
    "last",
    "lastprice",
    "settle",
    "settlement",
    "schluss",
    "schlusskurs",
    "pxlast",
    "priceclose",
    "endprice",
  ],
  adjclose: ["adjclose", "adjustedclose", "closeadj", "adjustedcloseprice", "closeadjusted", "adjcloseprice"],
  volume: [
    "volume",
    "volumen",
    "vol",
    "v",
    "basevolume",
    "totalvolume",
    "tradedvolume",
    "umsatz",
    "stuck",
    "stucke",
    "stueck",
    "stuecke",
    "pxvolume",
    "qty",
    "quantity",
    "shares",
  ],
  price: ["price", "value", "rate", "px", "nav", "level", "kurs", "tradeprice", "lastprice", "obsvalue"],
  size: ["size", "quantity", "qty", "amount", "volume", "tradesize", "shares", "lastsize"],
  symbol: [
    "symbol",
    "ticker",
    "instrument",
    "sym",
    "code",
    "asset",
    "stock",
    "pair",
    "security",
    "secid",
    "currencypair",
  ],
  exchange: ["exchange", "venue", "market", "ex", "mic"],
  priceFactor: ["pricefactor", "adjustmentfactor", "adjfactor"],
  splitFactor: ["splitfactor"],
  reference: ["reference", "referenceprice", "refprice"],
  action: ["action", "type", "event", "kind", "actiontype", "eventtype"],
  ratio: ["ratio", "splitratio", "split", "splits", "stocksplits", "splitfactor", "factor"],
  amount: ["amount", "dividend", "dividends", "cash", "value", "cashamount", "payout"],
  currency: ["currency", "ccy", "curr"],
};

const byKind: Record<DataKind, readonly ColumnRole[]> = {
  bars: ["date", "time", "open", "high", "low", "close", "adjclose", "volume", "price", "symbol"],
  trades: ["date", "time", "price", "size", "symbol", "exchange"],
  actions: ["date", "action", "ratio", "amount", "currency", "symbol"],
  factors: ["date", "priceFactor", "splitFactor", "reference", "symbol"],
  fx: ["date", "time", "open", "high", "low", "close", "volume", "price", "symbol"],
};

/** `1. Open`, `Adj Close**`, `open_time` -> open, adjclose, opentime. */
export function bareName(name: string): string {
  return name
    .normalize("NFD")
    .toLowerCase()
    .replace(/^\s*\d+\s*[.):]\s*/, "")
    .replaceAll(/\([^)]*\)|[^\p{L}\p{N}]/gu, "");
}

/** Columns by their names; a column has one role. */
export function rolesByName(names: readonly string[], kind: DataKind): Partial<Record<ColumnRole, string>> {
  const bare = names.map(bareName);
  const roles: Partial<Record<ColumnRole, string>> = {};
  const taken = new Set<number>();
  const take = (role: ColumnRole, at: number): void => {
    roles[role] = names[at]!;
    taken.add(at);
  };
  for (const role of byKind[kind]) {
    for (const word of words[role]) {
      const at = bare.findIndex((name, i) => name === word && !taken.has(i));
      if (at >= 0) {
        take(role, at);
        break;
      }
    }
  }
  // `Volume USDT`, `Close price (EUR)`: by the first word, where the whole name said nothing.
  for (const role of ["open", "high", "low", "close", "volume", "price", "date"] as const) {
    if (roles[role] !== undefined || !byKind[kind].includes(role)) continue;
    const at = names.findIndex(
      (name, i) => !taken.has(i) && bareName(name.trim().split(/[\s_]+/)[0]!) === role,
    );
    if (at >= 0) take(role, at);
  }
  if (roles.close !== undefined) delete roles.price;
  return roles;
}
