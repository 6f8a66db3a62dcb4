import { defineCommand, defineQuery, EpochMs } from "@tapedeck/core";
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

/** Most saved formulas of a tenant. */
export const maxSavedFormulas = 500;

const SavedFormulaName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{1,39}$/, "a name is 2 to 40 lower-case letters, digits and _, a letter first")
  // GET /formulas/check is taken.
  .refine((name) => name !== "check", "check is taken")
  .meta({ examples: ["stretch"] });

const savedFields = {
  formula: z
    .string()
    .trim()
    .min(1)
    .max(2_000)
    .meta({ examples: ["(x - sma(x, n)) / stddev(x, n)"] }),
  /** In the order of a call's arguments. */
  params: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(40),
        /** A formula itself: 20, or close. */
        default: z.string().trim().min(1).max(200),
      }),
    )
    .max(10),
  /** What the value says, in a line. */
  meaning: z.string().trim().max(300),
};

export const SavedFormulaBody = z
  .strictObject({
    ...savedFields,
    params: savedFields.params.default([]),
    meaning: savedFields.meaning.default(""),
  })
  .meta({
    id: "SavedFormulaBody",
    examples: [
      {
        formula: "(x - sma(x, n)) / stddev(x, n)",
        params: [
          { name: "x", default: "close" },
          { name: "n", default: "20" },
        ],
        meaning: "Standard deviations from the average.",
      },
    ],
  });

export const SavedFormulaView = z
  .object({
    name: SavedFormulaName,
    ...savedFields,
    /** How it is called, with its defaults. */
    signature: z.string(),
    /** At its defaults, other saved formulas put in. Null where it no longer fits what it calls. */
    check: z
      .object({
        formula: z.string(),
        type: z.enum(["series", "condition", "scalar"]),
        warmup: z.int(),
        lookAhead: z.boolean(),
      })
      .nullable(),
    savedBy: z.string(),
    createdMs: EpochMs,
    updatedMs: EpochMs,
  })
  .meta({ id: "SavedFormula" });
export type SavedFormulaView = z.output<typeof SavedFormulaView>;

/** Puts a tenant's saved formulas into texts that call them. */
export interface FormulaLibrary {
  /**
   * The texts, in order, each calling built-in names alone. A text that calls no saved formula stays as it is. Throws
   * `formula.invalid` with the text's index where a call does not fit.
   */
  expand(tenantId: string, texts: readonly string[]): Promise<string[]>;
}

const ByName = z.object({ name: SavedFormulaName });

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
  getIndicator: defineQuery({
    name: "getIndicator",
    path: "/indicators/{name}",
    tag: "Indicators",
    summary: "One indicator",
    role: "viewer",
    params: z.object({ name: z.string().max(60) }),
    response: Indicator,
  }),
  listSavedFormulas: defineQuery({
    name: "listSavedFormulas",
    path: "/formulas",
    tag: "Indicators",
    summary: "The tenant's saved formulas, by name: other formulas call them like built-in indicators",
    role: "viewer",
    response: z.object({ items: z.array(SavedFormulaView) }),
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
  // After /formulas/check, which its path would take.
  getSavedFormula: defineQuery({
    name: "getSavedFormula",
    path: "/formulas/{name}",
    tag: "Indicators",
    summary: "One saved formula",
    role: "viewer",
    params: ByName,
    response: SavedFormulaView,
  }),
  saveFormula: defineCommand({
    name: "saveFormula",
    method: "PUT",
    path: "/formulas/{name}",
    tag: "Indicators",
    summary:
      "Save a formula under a name, or replace the one that has it; results computed before keep theirs",
    role: "analyst",
    params: ByName,
    body: SavedFormulaBody,
    response: SavedFormulaView,
  }),
  deleteSavedFormula: defineCommand({
    name: "deleteSavedFormula",
    method: "DELETE",
    path: "/formulas/{name}",
    tag: "Indicators",
    summary: "Delete a saved formula; 409 while another one calls it",
    role: "analyst",
    params: ByName,
  }),
};
