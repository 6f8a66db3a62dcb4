const dayMs = 86_400_000;

/** Calendar days on either side of a sale at a loss. */
export const washWindowDays = 30;

/** Calendar days from one ISO date to another. */
export function daysBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / dayMs;
}

export function daysLater(date: string, days: number): string {
  return new Date(Date.parse(date) + days * dayMs).toISOString().slice(0, 10);
}

/** Closed strictly after the first anniversary of the holding period's start; 29 February's is 28 February. */
export function isLongTerm(heldFrom: string, closed: string): boolean {
  const year = Number(heldFrom.slice(0, 4)) + 1;
  const leapDay = heldFrom.slice(5) === "02-29";
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const anniversary = `${year}-${leapDay && !leap ? "02-28" : heldFrom.slice(5)}`;
  return closed > anniversary;
}
