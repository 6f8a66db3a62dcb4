import { defineStrategy } from "@tapedeck/trading";

/** Where in `features` each formula stands. */
const range = 0;
const average = 1;

export default defineStrategy({
  title: "Volatility breakout",
  meaning:
    "Buys at a stop above the close, a part of the average true range away, while the close is above its average; protected by a stop, and left at the open after some bars.",
  params: [
    { name: "length", meaning: "Bars of range and average", default: 20, min: 2, max: 500, integer: true },
    { name: "entry", meaning: "Ranges above the close at which it buys", default: 0.5, min: 0, max: 10 },
    { name: "stop", meaning: "Ranges below the entry at which it gives up", default: 2, min: 0.1, max: 20 },
    { name: "hold", meaning: "Bars in a position", default: 10, min: 1, max: 1_000, integer: true },
    { name: "invested", meaning: "Share of the equity that is invested", default: 0.95, min: 0.01, max: 1 },
  ],
  instruments: [1, 50],
  create: (p) => {
    /** The buy order that waits, by instrument. */
    const waiting: number[] = [];
    return {
      name: `Volatility breakout ${p["length"]}/${p["entry"]}`,
      features: [`atr(${p["length"]})`, `sma(close, ${p["length"]})`],
      decide(context) {
        for (let k = 0; k < context.instruments.length; k++) {
          if (!context.closed(k)) continue;
          if (context.position(k) > 0) {
            if (context.barsHeld(k) + 1 >= p["hold"]!) context.target(0, k);
            continue;
          }
          if (context.isOpen(waiting[k] ?? 0)) context.cancel(waiting[k]!);
          const distance = context.value(range, k);
          // False while either has no value yet.
          if (!(distance > 0 && context.close(k) > context.value(average, k))) continue;
          const quantity = context.unitsFor(p["invested"]! / context.instruments.length, k);
          waiting[k] = context.submit({
            instrument: k,
            side: "buy",
            type: "stop",
            quantity,
            stopPrice: context.close(k) + p["entry"]! * distance,
            bracket: { stopBy: p["stop"]! * distance },
          });
        }
      },
    };
  },
});
