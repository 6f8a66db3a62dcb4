import type { Instrument } from "./contract.ts";

/** An instrument for tests; what a test does not give is that of a share that everybody sees. */
export function fixtureInstrument(instrumentId: string, given: Partial<Instrument> = {}): Instrument {
  const at = instrumentId.lastIndexOf(".");
  return {
    instrumentId,
    symbol: instrumentId.slice(0, at),
    venue: instrumentId.slice(at + 1),
    name: instrumentId,
    assetClass: "equity",
    currency: "USD",
    calendar: "XNYS",
    tickSize: null,
    lotSize: null,
    minNotional: null,
    space: "shared",
    ...given,
  };
}
