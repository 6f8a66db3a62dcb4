import type { TradeFeed, TradePlace, VenueInstrument } from "@tapedeck/core";
import type { Instrument } from "@tapedeck/features/series/contract";
import type { TickSource } from "./source.ts";

function instrumentOf(venue: string, said: VenueInstrument): Instrument {
  const { symbol, currency, assetClass, tickSize, lotSize, minNotional } = said;
  return {
    instrumentId: `${symbol}.${venue}`,
    symbol,
    venue,
    name: symbol,
    assetClass,
    currency,
    calendar: "24x7",
    tickSize,
    lotSize,
    minNotional,
    space: "shared",
  };
}

/** The ticks of a venue's feed. Throws `symbol.unknown` or `venue.unavailable`. */
export async function createVenueSource(venue: string, feed: TradeFeed): Promise<TickSource> {
  const name = venue.toUpperCase();
  const instruments = (await feed.fetchInstruments()).map((said) => instrumentOf(name, said));
  const idOf = new Map(instruments.map(({ symbol, instrumentId }) => [symbol, instrumentId]));
  return {
    venue,
    simulated: false,
    seed: null,
    instruments,
    add: () => Promise.resolve(),
    start(sink, places) {
      const bySymbol = new Map<string, TradePlace>();
      for (const { symbol, instrumentId } of instruments) {
        const place = places.get(instrumentId);
        if (place !== undefined) bySymbol.set(symbol, place);
      }
      feed.start(
        {
          trade: ({ symbol, eventMs, price, size, side }) =>
            sink.tick({ instrumentId: idOf.get(symbol)!, eventMs, price, size, side }),
          quote({ symbol, ...quote }) {
            const instrumentId = idOf.get(symbol);
            if (instrumentId !== undefined) sink.quote({ instrumentId, ...quote });
          },
          gap: ({ symbol, ...gap }) => sink.gap({ instrumentId: idOf.get(symbol)!, ...gap }),
        },
        bySymbol,
      );
    },
    places() {
      const places = new Map<string, TradePlace>();
      for (const [symbol, place] of feed.places()) places.set(idOf.get(symbol)!, place);
      return places;
    },
    status: () => feed.status(),
    stop: () => feed.stop(),
  };
}
