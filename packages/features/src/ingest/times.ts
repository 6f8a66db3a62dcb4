/** A time as a source writes it: an instant, a wall-clock time without a zone, or a date alone. */
export type ReadTime =
  | { kind: "instant"; ms: number; date: string }
  | { kind: "wall"; date: string; minutes: number }
  | { kind: "date"; date: string };

export type DateOrder = "mdy" | "dmy";

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const clock =
  /^(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([ap]m)?\s*(z|utc|gmt|[+-]\d{2}:?\d{2}|[+-]\d{2})?$/i;
const compactClock = /^(\d{2})(\d{2})(\d{2})?$/;
const earliestMs = Date.UTC(1800, 0, 1);
const latestMs = Date.UTC(2200, 0, 1);

function dateText(year: number, month: number, day: number): string | undefined {
  const ms = Date.UTC(year, month - 1, day);
  const date = new Date(ms);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || ms < earliestMs || ms >= latestMs) {
    return undefined;
  }
  return date.toISOString().slice(0, 10);
}

function fullYear(text: string): number {
  const year = Number(text);
  if (text.length > 2) return year;
  return year < 70 ? 2000 + year : 1900 + year;
}

function monthOf(name: string): number {
  return months.indexOf(name.slice(0, 3).toLowerCase()) + 1;
}

/** A count since 1970 by its size: seconds, ms, µs or ns. */
function epoch(value: number): ReadTime | undefined {
  const size = Math.abs(value);
  const ms = size < 1e11 ? value * 1e3 : size < 1e14 ? value : size < 1e17 ? value / 1e3 : value / 1e6;
  if (!(ms >= earliestMs && ms < latestMs)) return undefined;
  const whole = Math.floor(ms);
  return { kind: "instant", ms: whole, date: new Date(whole).toISOString().slice(0, 10) };
}

const dateForms: readonly {
  form: RegExp;
  read(match: RegExpExecArray, order: DateOrder): string | undefined;
}[] = [
  {
    form: /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})/,
    read: (m) => dateText(Number(m[1]), Number(m[2]), Number(m[3])),
  },
  {
    form: /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?!\d)/,
    read(m, order) {
      const [first, second] = [Number(m[1]), Number(m[3])];
      return order === "mdy"
        ? dateText(fullYear(m[4]!), first, second)
        : dateText(fullYear(m[4]!), second, first);
    },
  },
  { form: /^(\d{4})(\d{2})(\d{2})(?!\d)/, read: (m) => dateText(Number(m[1]), Number(m[2]), Number(m[3])) },
  {
    form: /^([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})/i,
    read: (m) => dateText(Number(m[3]), monthOf(m[1]!), Number(m[2])),
  },
  {
    form: /^(\d{1,2})[\s-]([a-z]{3,9})\.?[\s,-]+(\d{4}|\d{2})(?!\d)/i,
    read: (m) => dateText(fullYear(m[3]!), monthOf(m[2]!), Number(m[1])),
  },
  { form: /^([a-z]{3,9})\.?[\s-]+(\d{4})$/i, read: (m) => dateText(Number(m[2]), monthOf(m[1]!), 1) },
  { form: /^(\d{4})-(\d{2})$/, read: (m) => dateText(Number(m[1]), Number(m[2]), 1) },
];

/** Undefined where the text is no time. */
export function parseTime(text: string, order: DateOrder): ReadTime | undefined {
  const cell = text.trim();
  if (/^[+-]?\d{9,19}(\.\d+)?$/.test(cell)) {
    if (/^\d{14}$/.test(cell)) return parseTime(`${cell.slice(0, 8)} ${cell.slice(8)}`, order);
    return epoch(Number(cell));
  }
  for (const { form, read } of dateForms) {
    const match = form.exec(cell);
    if (match === null) continue;
    const date = read(match, order);
    if (date === undefined) continue;
    const rest = cell.slice(match[0].length).replace(/^[\sT,:;-]+/, "");
    return rest === "" ? { kind: "date", date } : withClock(date, rest);
  }
  return undefined;
}

function withClock(date: string, text: string): ReadTime | undefined {
  const match = clock.exec(text) ?? compactClock.exec(text);
  if (match === null) return undefined;
  const [, hourText, minuteText, secondText = "0", fraction = "", half, zone] = match;
  let hour = Number(hourText);
  if (half !== undefined) hour = (hour % 12) + (half.toLowerCase() === "pm" ? 12 : 0);
  const [minute, second] = [Number(minuteText), Number(secondText)];
  if (hour > 24 || minute > 59 || second > 60) return undefined;
  const minutes = hour * 60 + minute + (second + Number(`0.${fraction === "" ? "0" : fraction}`)) / 60;
  if (zone === undefined) return { kind: "wall", date, minutes };
  const offset = /^[+-]/.test(zone)
    ? (zone.startsWith("-") ? -1 : 1) *
      (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3).replace(":", "") || "0"))
    : 0;
  return { kind: "instant", ms: Math.round(Date.parse(date) + (minutes - offset) * 60_000), date };
}

const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();

/** Minutes that the zone is ahead of UTC at an instant. Throws RangeError for a zone that does not exist. */
export function zoneOffset(timeZone: string, ms: number): number {
  if (timeZone === "UTC") return 0;
  // Zones change on quarter hours.
  const slot = Math.floor(ms / 900_000);
  const key = `${timeZone} ${slot}`;
  const known = offsets.get(key);
  if (known !== undefined) return known;
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" });
    formats.set(timeZone, format);
  }
  const wall = Date.parse(`${format.format(slot * 900_000).replace(" ", "T")}Z`);
  const offset = Math.round((wall - slot * 900_000) / 60_000);
  if (offsets.size > 100_000) offsets.clear();
  offsets.set(key, offset);
  return offset;
}

/** The instant of a wall-clock time; in the hour that a zone skips or repeats, by the offset before the change. */
export function wallInstant(date: string, minutes: number, timeZone: string): number {
  const wall = Date.parse(date) + Math.round(minutes * 60_000);
  const first = wall - zoneOffset(timeZone, wall) * 60_000;
  return wall - zoneOffset(timeZone, first) * 60_000;
}
