import { AppError } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import {
  callsOf,
  checkFormula,
  checkSavedFormula,
  expandFormula,
  FormulaError,
  functionCatalogue,
  indicatorCatalogue,
  nearestName,
} from "@tapedeck/formula";
import type { FormulaBook, SavedFormula } from "@tapedeck/formula";
import type { Db, Tx } from "../db.ts";
import { maxSavedFormulas } from "./contract.ts";
import type { indicatorRoutes, SavedFormulaView } from "./contract.ts";
import { loadBook } from "./library.ts";
import {
  asSavedFormula,
  deleteSavedFormula,
  loadSavedFormulas,
  lockBook,
  writeSavedFormula,
} from "./store.ts";
import type { SavedFormulaRow } from "./store.ts";

export interface IndicatorDeps {
  db: Db;
  now(): number;
}

function checkOf(saved: SavedFormula, book: FormulaBook): SavedFormulaView["check"] {
  try {
    const { text, type, warmup, lookAhead } = checkSavedFormula(saved, book, { allowLookAhead: true });
    return { formula: text, type, warmup, lookAhead };
  } catch (error) {
    if (error instanceof FormulaError) return null;
    throw error;
  }
}

function view(row: SavedFormulaRow, book: FormulaBook): SavedFormulaView {
  const saved = asSavedFormula(row);
  const { meaning, savedBy, createdMs, updatedMs } = row;
  return {
    ...saved,
    params: saved.params.map((q) => ({ ...q })),
    meaning,
    signature: `${saved.name}(${saved.params.map((q) => `${q.name}: ${q.default}`).join(", ")})`,
    check: checkOf(saved, book),
    savedBy,
    createdMs,
    updatedMs,
  };
}

function bookOf(rows: readonly SavedFormulaRow[]): FormulaBook {
  return new Map(rows.map((row) => [row.name, asSavedFormula(row)]));
}

function find(rows: readonly SavedFormulaRow[], name: string): SavedFormulaRow {
  const row = rows.find((one) => one.name === name);
  if (row === undefined) throw new AppError("resource.unknown", `There is no saved formula ${name}.`);
  return row;
}

/** What is refused, with its place in the formula. */
function asInvalid(error: unknown): unknown {
  if (!(error instanceof FormulaError)) return error;
  const { message, column, length, suggestion } = error;
  return new AppError("formula.invalid", `${message} (column ${column})`, {
    details: { column, length, suggestion: suggestion ?? null },
  });
}

/** Every one that calls the saved formula, itself or by another, must still fit after a change. */
function checkCallers(book: FormulaBook): void {
  for (const saved of book.values()) {
    try {
      checkSavedFormula(saved, book, { allowLookAhead: true });
    } catch (error) {
      if (!(error instanceof FormulaError)) throw error;
      throw new AppError("resource.conflict", `${saved.name} would no longer be valid: ${error.message}.`);
    }
  }
}

async function save(tx: Tx, row: SavedFormulaRow): Promise<SavedFormulaView> {
  await lockBook(tx, row.tenantId);
  const rows = await loadSavedFormulas(tx, row.tenantId);
  const old = rows.find((one) => one.name === row.name);
  if (old === undefined && rows.length >= maxSavedFormulas) {
    throw new AppError(
      "resource.conflict",
      `There are ${maxSavedFormulas} saved formulas; delete one that is not needed.`,
    );
  }
  const kept = { ...row, createdMs: old?.createdMs ?? row.createdMs };
  const book = bookOf(rows);
  const changed = new Map([...book, [row.name, asSavedFormula(row)]]);
  try {
    checkSavedFormula(asSavedFormula(row), book, { allowLookAhead: true });
  } catch (error) {
    throw asInvalid(error);
  }
  checkCallers(changed);
  await writeSavedFormula(tx, kept);
  return view(kept, changed);
}

export const indicatorRouteHandlers = {
  listIndicators: async () => ({ items: indicatorCatalogue(), functions: functionCatalogue() }),

  getIndicator: async (_deps, { params }) => {
    const all = indicatorCatalogue();
    const found = all.find((one) => one.name === params.name);
    if (found !== undefined) return found;
    const near = nearestName(
      params.name,
      all.map((one) => one.name),
    );
    const hint = near === undefined ? "GET /api/indicators lists them" : `did you mean ${near}?`;
    throw new AppError("resource.unknown", `There is no indicator ${params.name}; ${hint}`);
  },

  checkFormula: async (deps, { query }, caller) => {
    try {
      const whole = expandFormula(query.formula, await loadBook(deps.db, caller.tenantId));
      const { text, type, warmup, instruments } = checkFormula(whole, {
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

  listSavedFormulas: async (deps, _input, caller) => {
    const rows = await loadSavedFormulas(deps.db, caller.tenantId);
    const book = bookOf(rows);
    return { items: rows.map((row) => view(row, book)) };
  },

  getSavedFormula: async (deps, { params }, caller) => {
    const rows = await loadSavedFormulas(deps.db, caller.tenantId);
    return view(find(rows, params.name), bookOf(rows));
  },

  saveFormula: async (deps, { params, body }, caller) => {
    const nowMs = deps.now();
    const row: SavedFormulaRow = {
      tenantId: caller.tenantId,
      name: params.name,
      params: JSON.stringify(body.params),
      formula: body.formula,
      meaning: body.meaning,
      savedBy: caller.principalId,
      createdMs: nowMs,
      updatedMs: nowMs,
    };
    return deps.db.transaction().execute((tx) => save(tx, row));
  },

  deleteSavedFormula: async (deps, { params }, caller) => {
    const { tenantId } = caller;
    await deps.db.transaction().execute(async (tx) => {
      await lockBook(tx, tenantId);
      const rows = await loadSavedFormulas(tx, tenantId);
      find(rows, params.name);
      const callers = rows.filter((row) => callsOf(asSavedFormula(row)).has(params.name));
      if (callers.length > 0) {
        const names = callers.map((row) => row.name).join(", ");
        throw new AppError("resource.conflict", `${names} calls ${params.name}: change or delete it first.`);
      }
      await deleteSavedFormula(tx, tenantId, params.name);
    });
  },
} satisfies RouteHandlersFor<typeof indicatorRoutes, IndicatorDeps>;
