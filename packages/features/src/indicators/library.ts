import { AppError } from "@tapedeck/core";
import { checkFormula, expandFormula, formatFormula, FormulaError, parseFormula } from "@tapedeck/formula";
import type { Ast, FormulaBook } from "@tapedeck/formula";
import type { Db, Tx } from "../db.ts";
import type { FormulaLibrary } from "./contract.ts";
import { asSavedFormula, loadSavedFormulas } from "./store.ts";

/** A tenant's saved formulas, by name. */
export async function loadBook(db: Db | Tx, tenantId: string): Promise<FormulaBook> {
  const rows = await loadSavedFormulas(db, tenantId);
  return new Map(rows.map((row) => [row.name, asSavedFormula(row)]));
}

export function createFormulaLibrary({ db }: { db: Db }): FormulaLibrary {
  return {
    async expand(tenantId, texts) {
      const book = await loadBook(db, tenantId);
      return book.size === 0 ? [...texts] : texts.map((text, index) => expandText(text, book, index));
    },
  };
}

function parsed(text: string): Ast | undefined {
  try {
    return parseFormula(text);
  } catch (error) {
    if (error instanceof FormulaError) return undefined;
    throw error;
  }
}

/** A text that calls nothing saved stays as it is, faults included: whoever computes it checks it. */
function expandText(text: string, book: FormulaBook, index: number): string {
  const ast = parsed(text);
  if (ast === undefined) return text;
  try {
    const whole = expandFormula(ast, book);
    const written = formatFormula(whole);
    if (written === formatFormula(ast)) return text;
    // A search's `{name}` has no value yet: it is checked with each.
    if (!written.includes("{")) checkFormula(whole, { allowLookAhead: true });
    return written;
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
    throw new AppError("formula.invalid", `Formula ${index + 1}: ${error.message} (column ${error.column})`, {
      details: {
        index,
        formula: text,
        column: error.column,
        length: error.length,
        suggestion: error.suggestion ?? null,
      },
    });
  }
}
