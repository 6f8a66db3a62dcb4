import type { TradeFeed } from "@tapedeck/core";
import { binanceChannels, binanceProtocol } from "./binance.ts";
import { createTradeFeed } from "./feed.ts";
import type { TradeFeedOptions } from "./feed.ts";
import { krakenProtocol } from "./kraken.ts";
import type { VenueProtocol } from "./protocol.ts";

/** Venues that this program speaks to itself. */
export interface OpenTradeFeedOptions extends Omit<TradeFeedOptions, "protocol"> {
  venue: "binance" | "binanceusdm" | "kraken";
  /** Of Binance; empty: the usual ones. */
  channels: readonly string[];
  socketUrl: string | undefined;
  restUrl: string | undefined;
}

/** The feed of a venue by its name. */
export function openTradeFeed(options: OpenTradeFeedOptions): TradeFeed {
  const { venue, socketUrl, restUrl, channels, ...feed } = options;
  const own = { socketUrl, restUrl, now: feed.now };
  const chosen = binanceChannels.filter((channel) => channels.includes(channel));
  const binance = { ...own, channels: chosen.length === 0 ? undefined : chosen };
  const protocols: Record<typeof venue, () => VenueProtocol> = {
    binance: () => binanceProtocol({ market: "spot", ...binance }),
    binanceusdm: () => binanceProtocol({ market: "usdm", ...binance }),
    kraken: () => krakenProtocol(own),
  };
  return createTradeFeed({ ...feed, protocol: protocols[venue]() });
}
