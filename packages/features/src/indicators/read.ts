import { checkFormula, FormulaError, functionCatalogue, indicatorCatalogue } from "@tapedeck/formula";
import type { RouteHandlersFor } from "@tapedeck/core";
import type { indicatorRoutes } from "./contract.ts";

export const indicatorRouteHandlers = {
  listIndicators: async () => ({ items: indicatorCatalogue(), functions: functionCatalogue() }),

  checkFormula: async (_deps, { query }) => {
    try {
      const { text, type, warmup, instruments } = checkFormula(query.formula, {
        allowLookAhead: query.use === "chart",
      });
      return { valid: true, formula: text, type, warmup, instruments: [...instruments], error: null };
    } catch (error) {
      if (!(error instanceof FormulaError)) throw error;
      const { message, column, length, suggestion } = error;
      return {
        valid: false,
        formula: null,
        type: null,
        warmup: null,
        instruments: [],
        error: { message, column, length, suggestion: suggestion ?? null },
      };
    }
  },
} satisfies RouteHandlersFor<typeof indicatorRoutes, object>;
