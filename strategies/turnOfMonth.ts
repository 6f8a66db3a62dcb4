import { defineStrategy } from "@tapedeck/trading";

const dayMs = 86_400_000;
const dayOfMonth = (ms: number) => new Date(ms).getUTCDate();
const daysInMonth = (ms: number) => {
  const at = new Date(ms);
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate();
};

export default defineStrategy({
  title: "Turn of the month",
  meaning:
    "Holds equal parts of everything over the last days of a month and the first of the next, and cash between.",
  params: [
    { name: "before", meaning: "Last calendar days of a month", default: 4, min: 1, max: 15, integer: true },
    { name: "after", meaning: "First calendar days of a month", default: 3, min: 1, max: 15, integer: true },
    { name: "invested", meaning: "Share of the equity that is invested", default: 0.98, min: 0.01, max: 1 },
  ],
  instruments: [1, 500],
  create: (p) => ({
    name: `Turn of the month ${p["before"]}/${p["after"]}`,
    features: [],
    decide(context) {
      // An order of now trades on the day that begins now, or after the night.
      const next = context.nowMs + dayMs / 2;
      const day = dayOfMonth(next);
      const within = day <= p["after"]! || day > daysInMonth(next) - p["before"]!;
      const weight = p["invested"]! / context.instruments.length;
      for (let k = 0; k < context.instruments.length; k++) {
        const held = context.position(k) > 0;
        if (!context.closed(k) || held === within) continue;
        context.target(within ? context.unitsFor(weight, k) : 0, k);
      }
    },
  }),
});
