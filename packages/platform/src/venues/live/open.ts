import type { TradeFeed } from "@tapedeck/core";
import { binanceProtocol } from "./binance.ts";
import { createTradeFeed } from "./feed.ts";
import type { TradeFeedOptions } from "./feed.ts";
import { krakenProtocol } from "./kraken.ts";
import type { VenueProtocol } from "./protocol.ts";

export interface OpenTradeFeedOptions extends Omit<TradeFeedOptions, "protocol"> {
  venue: "binance" | "binanceusdm" | "kraken";
  socketUrl: string | undefined;
  restUrl: string | undefined;
}

/** The feed of a venue by its name. */
export function openTradeFeed(options: OpenTradeFeedOptions): TradeFeed {
  const { venue, socketUrl, restUrl, ...feed } = options;
  const own = { socketUrl, restUrl, now: feed.now };
  const protocols: Record<typeof venue, () => VenueProtocol> = {
    binance: () => binanceProtocol({ market: "spot", ...own }),
    binanceusdm: () => binanceProtocol({ market: "usdm", ...own }),
    kraken: () => krakenProtocol(own),
  };
  return createTradeFeed({ ...feed, protocol: protocols[venue]() });
}
