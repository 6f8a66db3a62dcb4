import type { TradeFeed, TradePlace, VenueInstrument } from "@tapedeck/core";
import type { Instrument } from "@tapedeck/features/series/contract";
import type { TickSource } from "./source.ts";

function instrumentOf(venue: string, said: VenueInstrument): Instrument {
  const { currency, assetClass, tickSize, lotSize, minNotional } = said;
  // ccxt's BTC/USDT:USDT; a colon is no part of an instrument's id.
  const symbol = said.symbol.replaceAll(":", "-");
  return {
    instrumentId: `${symbol}.${venue}`,
    symbol,
    venue,
    name: said.symbol,
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
  const idOf = new Map(instruments.map(({ name: symbol, instrumentId }) => [symbol, instrumentId]));
  const symbolOf = new Map(instruments.map(({ name: symbol, instrumentId }) => [instrumentId, symbol]));
  return {
    venue,
    simulated: false,
    seed: null,
    instruments,
    add: () => undefined,
    start(sink) {
      /** What is told of a symbol, passed on as its instrument's; nothing of symbols that are not followed here. */
      const passOn =
        <T extends { symbol: string }>(take: (told: Omit<T, "symbol"> & { instrumentId: string }) => void) =>
        ({ symbol, ...told }: T) => {
          const instrumentId = idOf.get(symbol);
          if (instrumentId !== undefined) take({ instrumentId, ...told });
        };
      feed.start({
        trade: ({ symbol, eventMs, price, size, side }) =>
          sink.tick({ instrumentId: idOf.get(symbol)!, eventMs, price, size, side }),
        quote: passOn(sink.quote),
        book: passOn(sink.book),
        mark: passOn(sink.mark),
        ownBar: passOn(sink.ownBar),
        gap: passOn(sink.gap),
      });
    },
    follow: (instrumentId, place) => feed.follow(symbolOf.get(instrumentId)!, place),
    leave: (instrumentId) => feed.leave(symbolOf.get(instrumentId)!),
    places() {
      const places = new Map<string, TradePlace>();
      for (const [symbol, place] of feed.places()) places.set(idOf.get(symbol)!, place);
      return places;
    },
    status: () => feed.status(),
    stop: () => feed.stop(),
  };
}
