import { isoDate } from "@tapedeck/core";
import type { MissingData } from "./contract.ts";
import type { Period } from "./dates.ts";
import { wellKnownSymbol } from "./names.ts";

const coins = new Set(["BTC", "ETH", "SOL", "XRP", "DOGE"]);
const onNasdaq = new Set(["MSFT", "AMZN", "GOOG", "GOOGL", "AAPL", "TSLA", "NVDA", "META", "NFLX", "QQQ"]);
/** What comes with the program. */
const bundled = new Map([
  ["SPX", "sp500"],
  ...["MSFT", "AMZN", "IBM", "GOOG", "AAPL"].map((symbol) => [symbol, "stocks"] as const),
]);
const indices = new Set(["SPX", "NDX", "DJI", "RUT", "VIX"]);

/** How the bars of something that is not here are brought in: the command and the same over HTTP. */
export function missingBars(
  name: string,
  options: { timeframe?: string; period?: Period | undefined } = {},
): MissingData {
  const { timeframe = "1d", period } = options;
  const known = wellKnownSymbol(name);
  const symbol =
    (known ?? name)
      .toUpperCase()
      .replaceAll(/[^A-Z0-9._^/-]/g, "")
      .slice(0, 20) || "SYMBOL";
  const bounded = period !== undefined && Number.isFinite(period.fromMs) && Number.isFinite(period.toMs);
  const span = bounded ? ` ${period.label}` : "";
  const what = `${timeframe} bars of ${name}${span}`;
  const sample = period === undefined ? bundled.get(symbol) : undefined;
  if (sample !== undefined) {
    return {
      what,
      command: `npx tapedeck import ${sample}`,
      http: {
        method: "POST",
        path: "/api/ingests",
        body: { source: { kind: "bundled", name: sample }, dataKind: "bars" },
      },
    };
  }
  if (coins.has(symbol)) {
    const fromMs = bounded ? isoDate(period.fromMs) : "2020-01-01";
    const toMs = bounded ? isoDate(period.toMs) : "2021-01-01";
    const source = { kind: "venue", venue: "binance", symbol: `${symbol}/USDT`, timeframe, fromMs, toMs };
    return ingest(what, { source, dataKind: "bars" });
  }
  const at = symbol.lastIndexOf(".");
  const bare = at > 0 ? symbol.slice(0, at) : symbol;
  const venue = at > 0 ? symbol.slice(at + 1) : venueOf(bare, known !== undefined);
  return {
    what,
    command: `npx tapedeck import ${bare}.csv --symbol ${bare}${venue === undefined ? "" : `.${venue}`} --timeframe ${timeframe}`,
    http: {
      method: "POST",
      path: "/api/ingests",
      body: {
        source: { kind: "upload", uploadId: "id of the file sent to POST /api/uploads" },
        dataKind: "bars",
        instrument: { symbol: bare, ...(venue === undefined ? {} : { venue }), name },
        timeframe,
      },
    },
  };
}

/** Undefined where it is not known; an import then takes LOCAL. */
function venueOf(symbol: string, wellKnown: boolean): string | undefined {
  if (indices.has(symbol)) return "INDEX";
  if (onNasdaq.has(symbol)) return "XNAS";
  return wellKnown ? "XNYS" : undefined;
}

function ingest(what: string, body: Record<string, unknown>): MissingData {
  return {
    what,
    command: `npx tapedeck submit ingest --payload '${JSON.stringify(body)}'`,
    http: { method: "POST", path: "/api/ingests", body },
  };
}
