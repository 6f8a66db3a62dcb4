/** The golden ratio: however many of its multiples there are, what is left of them lies evenly between 0 and 1. */
const golden = 0.618_033_988_749_895;

/** How long the nth symbol (from 0) is first waited with, so that symbols are not all asked for at once; below `withinMs`. */
export function staggerMs(nth: number, withinMs: number): number {
  return withinMs * ((nth * golden) % 1);
}

/** What is said of symbols whose answer is overdue; undefined where none is. */
export function overdueMessage(overdue: readonly string[], followed: number): string | undefined {
  if (overdue.length === 0) return undefined;
  return `${overdue.length} of ${followed} symbols had no answer in time: ${overdue.slice(0, 5).join(", ")}`;
}
