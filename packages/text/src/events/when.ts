const dayMs = 86_400_000;
const months = "january february march april may june july august september october november december".split(
  " ",
);
const weekdays = "sunday monday tuesday wednesday thursday friday saturday".split(" ");

const dated =
  /\b(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.? (\d{1,2})(?:st|nd|rd|th)?\b(?!,?\d)(?:,? (\d{4}))?|\b(\d{1,2}) (jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b(?: (\d{4}))?/i;
const weekday = /\bon (sunday|monday|tuesday|wednesday|thursday|friday|saturday)\b/i;

/**
 * Does a sentence tell of years ago? The years that it names by "in" or "during" all lie before the one before publication:
 * annual figures are told a year late, what is older is history.
 */
export function isHistory(sentence: string, publishedMs: number): boolean {
  const years = Array.from(sentence.matchAll(/\b(?:in|during) (?:[a-z]+ )?((?:19|20)\d\d)\b/gi), (match) =>
    Number(match[1]),
  );
  const least = new Date(publishedMs).getUTCFullYear() - 1;
  return years.length > 0 && years.every((year) => year < least);
}

function monthOf(written: string): number {
  return months.findIndex((month) => month.startsWith(written.slice(0, 3).toLowerCase()));
}

/**
 * The day that a sentence names, midnight UTC: a date, else a weekday. Without a year it is the nearest such day: after
 * publication where the event is ahead, before it (or that day) where it has happened. Null: none is named.
 */
export function dayTold(sentence: string, publishedMs: number, ahead: boolean): number | null {
  const today = Math.floor(publishedMs / dayMs) * dayMs;
  const date = dated.exec(sentence);
  if (date !== null) {
    const month = monthOf(date[1] ?? date[5]!);
    const day = Number(date[2] ?? date[4]);
    const year = date[3] ?? date[6];
    if (day < 1 || day > 31) return null;
    if (year !== undefined) return Date.UTC(Number(year), month, day);
    const thisYear = new Date(today).getUTCFullYear();
    const inYears = [thisYear - 1, thisYear, thisYear + 1].map((one) => Date.UTC(one, month, day));
    return ahead ? inYears.find((one) => one >= today)! : inYears.findLast((one) => one <= today)!;
  }
  const named = weekday.exec(sentence);
  if (named === null) return null;
  const apart = weekdays.indexOf(named[1]!.toLowerCase()) - new Date(today).getUTCDay();
  return today + (ahead ? (apart + 7) % 7 : apart > 0 ? apart - 7 : apart) * dayMs;
}
