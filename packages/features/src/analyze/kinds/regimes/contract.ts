import * as z from "zod";
import { SeriesRequest } from "../../../series/contract.ts";
import { analysisFields, figuresOf } from "../fields.ts";

export const RegimeModel = z.enum(["markovSwitching", "hiddenMarkov", "changePoints"]);

export const RegimesPayload = z
  .strictObject({
    kind: z.literal("regimes"),
    ...SeriesRequest.shape,
    model: RegimeModel.default("markovSwitching"),
    regimes: z.int().min(2).max(4).default(2).describe("Regimes of the hidden Markov model"),
    penalty: z
      .number()
      .min(0.1)
      .max(1_000)
      .default(3)
      .describe("What a change point costs, in variances times ln(bars)"),
  })
  .refine(({ model, regimes }) => model === "hiddenMarkov" || regimes === 2, {
    path: ["regimes"],
    message: "only the hidden Markov model takes another number of regimes than 2",
  })
  .meta({ id: "RegimesPayload", title: "Regimes of returns" });
export type RegimesPayload = z.output<typeof RegimesPayload>;

/** A regime of a model, or a segment between change points. */
export const Regime = z.object({
  regime: z.int(),
  /** Mean and standard deviation of log returns a bar. */
  mean: z.number(),
  deviation: z.number(),
  /** Deviation times the root of the bars a year. */
  volatilityAnnual: z.number(),
  bars: z.int(),
  /** Share of the bars. */
  share: z.number(),
  /** Probability that the next bar stays in it, and the bars that it lasts on average; null for change points. */
  stay: z.number().nullable(),
  expectedBars: z.number().nullable(),
  evidenceId: z.string(),
});

export const RegimesResult = z
  .object({
    kind: z.literal("regimes"),
    ...analysisFields,
    instrumentId: z.string(),
    model: RegimeModel,
    /** By volatility, the calmest first; segments of change points in order of time. */
    regimes: z.array(Regime),
    /** Stretches of bars in one regime, in order of time: the most probable path, known only afterwards. */
    spans: z.array(z.object({ regime: z.int(), fromMs: z.int(), toMs: z.int(), bars: z.int() })),
    /** [k][k] from, to; null for change points. */
    transition: z.array(z.array(z.number())).nullable(),
    figures: figuresOf(["current", "currentProbability", "logLikelihood", "bic"]),
  })
  .meta({ id: "RegimesResult" });
export type RegimesResult = z.output<typeof RegimesResult>;
