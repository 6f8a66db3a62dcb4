import type { IngestPayload } from "./contract.ts";

/** What is known of the files that come with the project, so that nothing about them is guessed. */
export interface BundledPreset {
  options: Pick<IngestPayload, "instrument" | "timeframe" | "mapping">;
  instruments: Record<string, { venue: string; name: string }>;
}

export const bundledPresets: Record<"sp500" | "stocks", BundledPreset> = {
  sp500: {
    options: {
      instrument: {
        symbol: "SPX",
        venue: "INDEX",
        name: "S&P 500",
        assetClass: "index",
        currency: "USD",
        calendar: "XNYS",
      },
      timeframe: "1d",
    },
    instruments: {},
  },
  stocks: {
    options: {
      instrument: { assetClass: "equity", currency: "USD", calendar: "XNYS" },
      timeframe: "1mo",
      mapping: { stamp: "open" },
    },
    instruments: {
      AAPL: { venue: "XNAS", name: "Apple" },
      AMZN: { venue: "XNAS", name: "Amazon" },
      GOOG: { venue: "XNAS", name: "Google" },
      IBM: { venue: "XNYS", name: "IBM" },
      MSFT: { venue: "XNAS", name: "Microsoft" },
    },
  },
};
