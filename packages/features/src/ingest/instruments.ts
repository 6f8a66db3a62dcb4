import { AppError } from "@tapedeck/core";
import type { Instrument } from "../series/contract.ts";
import type { BundledPreset } from "./bundled.ts";
import type { IngestPayload, Mapping } from "./contract.ts";

/** Quotes of pairs written without a mark, longest first. */
const quotes = ["USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USD", "EUR", "GBP", "JPY", "BTC", "ETH", "BNB"];

/** `BTC/USDT`, `BTC-USDT`, `BTCUSDT` -> USDT; `EURUSD` of an exchange rate -> USD. */
function quoteOf(symbol: string): string | undefined {
  const marked = /^[A-Z0-9]+[-/_]([A-Z0-9]{2,10})(?::.*)?$/.exec(symbol)?.[1];
  if (marked !== undefined && quotes.includes(marked)) return marked;
  return quotes.find((quote) => symbol.endsWith(quote) && symbol.length > quote.length);
}

/**
 * Which instrument a symbol of the source is: one that the target space has already, else a new one from what the
 * caller said and the mapping found.
 */
export function createInstrumentChooser(options: {
  payload: Pick<IngestPayload, "instrument" | "dataKind">;
  mapping: Mapping;
  preset: BundledPreset | undefined;
  space: string;
  /** What the caller's tenant sees. */
  visible: readonly Instrument[];
}): (symbol: string) => Instrument {
  const { payload, mapping, preset, space } = options;
  const chosen = new Map<string, Instrument>();
  const given = payload.instrument ?? {};

  function guessCurrency(symbol: string, assetClass: Instrument["assetClass"]): string {
    const quote = assetClass === "equity" ? undefined : quoteOf(symbol);
    const [value, why] =
      quote === undefined ? ["USD", "nothing in the source says one"] : [quote, `the end of ${symbol}`];
    const said = mapping.guesses.some((one) => one.what === "instrument.currency" && one.value === value);
    if (!said) mapping.guesses.push({ what: "instrument.currency", value, why });
    return value;
  }

  function choose(symbol: string): Instrument {
    const same = options.visible.filter((item) => item.symbol === symbol);
    const own = same.filter((item) => item.space === space);
    let venue = given.venue ?? preset?.instruments[symbol]?.venue;
    if (venue === undefined && own.length === 1) venue = own[0]!.venue;
    if (venue === undefined && own.length > 1) {
      const candidates = own.map((item) => item.instrumentId);
      throw new AppError(
        "symbol.ambiguous",
        `${symbol} may be ${candidates.join(" or ")}; say which with instrument.venue.`,
        {
          details: { candidates },
        },
      );
    }
    venue ??= payload.dataKind === "fx" ? "FX" : "LOCAL";
    const known = same.find((item) => item.venue === venue);
    if (known !== undefined) return { ...known, space };
    const around = mapping.calendar === "24x7";
    const assetClass = given.assetClass ?? (payload.dataKind === "fx" ? "fx" : around ? "crypto" : "equity");
    return {
      instrumentId: `${symbol}.${venue}`,
      symbol,
      venue,
      name: given.name ?? preset?.instruments[symbol]?.name ?? symbol,
      assetClass,
      currency: given.currency ?? guessCurrency(symbol, assetClass),
      calendar: given.calendar ?? mapping.calendar,
      tickSize: null,
      lotSize: null,
      minNotional: null,
      space,
    };
  }

  return (symbol) => {
    let instrument = chosen.get(symbol);
    if (instrument === undefined) {
      instrument = choose(symbol);
      chosen.set(symbol, instrument);
    }
    return instrument;
  };
}
