import { AppError } from "./errors.ts";
import * as z from "zod";

/** Query of every list: newest first unless the route says otherwise. */
export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(500).optional(),
});

/** A page of a list. `nextCursor` is null at the end. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}

/**
 * The cursor of a list whose cursor is so many whole numbers, the place of the last row; undefined for none. Throws
 * `payload.invalid` for another.
 */
export function numbersCursor(cursor: string | undefined, count: number): number[] | undefined {
  if (cursor === undefined) return undefined;
  const numbers = cursor.split("_").map(Number);
  if (numbers.length === count && numbers.every((value) => Number.isSafeInteger(value))) return numbers;
  throw foreignCursor();
}

function foreignCursor(): AppError {
  return new AppError(
    "payload.invalid",
    "The cursor is not one that a page gave; leave it out to start anew.",
  );
}

const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The cursor of a list whose cursor is the last id of the page before; throws `payload.invalid` for another. */
export function idCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined || idPattern.test(cursor)) return cursor;
  throw foreignCursor();
}
