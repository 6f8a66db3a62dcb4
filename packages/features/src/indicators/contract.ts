import { defineQuery } from "@tapedeck/core";
import * as z from "zod";

export const Indicator = z
  .object({
    name: z.string(),
    title: z.string(),
    group: z.string(),
    meaning: z.string(),
    source: z.string(),
    inputs: z.array(z.string()),
    params: z.array(
      z.object({
        name: z.string(),
        default: z.number(),
        min: z.number(),
        max: z.number(),
        integer: z.boolean(),
        meaning: z.string(),
        /** Names of the values 0, 1, 2 …, where the parameter is a choice. */
        choices: z.array(z.string()).optional(),
      }),
    ),
    outputs: z.array(z.string()),
    /** Bars before the first value, at the default parameters. */
    warmup: z.int(),
    /** For charts only: refused in rules, screens, alerts and answers. */
    lookAhead: z.boolean(),
    signature: z.string(),
  })
  .meta({ id: "Indicator" });

export const FormulaCheck = z
  .object({
    valid: z.boolean(),
    /** Canonical text; null when it is not valid. */
    formula: z.string().nullable(),
    type: z.enum(["series", "condition", "scalar"]).nullable(),
    warmup: z.int().nullable(),
    instruments: z.array(z.string()),
    error: z
      .object({
        message: z.string(),
        /** From 1. */
        column: z.int(),
        length: z.int(),
        suggestion: z.string().nullable(),
      })
      .nullable(),
  })
  .meta({ id: "FormulaCheck" });

export const indicatorRoutes = {
  listIndicators: defineQuery({
    name: "listIndicators",
    path: "/indicators",
    tag: "Indicators",
    summary: "Every indicator that formulas may use",
    role: "viewer",
    response: z.object({
      items: z.array(Indicator),
      /** Functions of the language that are no indicators. */
      functions: z.array(z.object({ name: z.string(), meaning: z.string(), signature: z.string() })),
    }),
  }),
  checkFormula: defineQuery({
    name: "checkFormula",
    path: "/formulas/check",
    tag: "Indicators",
    summary: "Check a formula without running it: type, warm-up, or the error with its column",
    role: "viewer",
    query: z.object({
      formula: z.string().min(1).max(2_000),
      /** Charts may use indicators that look ahead. */
      use: z.enum(["rule", "chart"]).default("rule"),
    }),
    response: FormulaCheck,
  }),
};
