/** A time as a source writes it. */
export interface Moment {
  /** ms UTC. A day alone is its end, so that nothing is seen before it was there; a wall-clock time without zone is UTC. */
  ms: number;
  /** Only the day is told. */
  day: boolean;
  /** Its distance from UTC is told. */
  zoned: boolean;
}

const dayMs = 86_400_000;
const months = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
/** Hours from UTC of the zones that RFC 2822 names. */
const namedZones: Record<string, number> = {
  z: 0,
  ut: 0,
  utc: 0,
  gmt: 0,
  est: -5,
  edt: -4,
  cst: -6,
  cdt: -5,
  mst: -7,
  mdt: -6,
  pst: -8,
  pdt: -7, // prettier-ignore
};

const isoForm =
  /^(\d{4})-?(\d{2})-?(\d{2})(?:[T ]?(\d{2}):?(\d{2})(?::?(\d{2})(?:[.,](\d{1,3})\d*)?)?\s*(z|[+-]\d{2}(?::?\d{2})?)?)?$/i;
const mailForm =
  /^(?:[a-z]{3,9},?\s+)?(\d{1,2})[\s-]+([a-z]{3})[a-z]*\.?[\s-]+(\d{4})(?:,?\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([a-z]{1,4}|[+-]\d{4})?)?(?:\s*\([^)]*\))?$/i;
const longForm =
  /^(?:[a-z]{3,9},?\s+)?([a-z]{3})[a-z]*\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?:,?\s+(?:at\s+)?(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap])\.?m\.?\s*([a-z]{1,4})?)?$/i;

function dayNumber(year: number, month: number, day: number): number | undefined {
  const ms = Date.UTC(year, month - 1, day);
  const date = new Date(ms);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? ms : undefined;
}

function zoneMs(text: string): number | undefined {
  const named = namedZones[text.toLowerCase()];
  if (named !== undefined) return named * 3_600_000;
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(text);
  if (match === null) return undefined;
  return (match[1] === "-" ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3] ?? 0)) * 60_000;
}

function momentOf(
  day: number | undefined,
  clock: number | undefined,
  zone: string | undefined,
): Moment | undefined {
  if (day === undefined) return undefined;
  if (clock === undefined) return { ms: day + dayMs, day: true, zoned: false };
  if (!(clock >= 0 && clock < dayMs)) return undefined;
  const offset = zone === undefined ? 0 : zoneMs(zone);
  if (offset === undefined) return undefined;
  return { ms: day + clock - offset, day: false, zoned: zone !== undefined };
}

function clockMs(
  hours: string | undefined,
  minutes: string | undefined,
  seconds = "0",
  millis = "0",
): number | undefined {
  if (hours === undefined) return undefined;
  return (
    ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000 + Number(millis.padEnd(3, "0"))
  );
}

/**
 * Reads ISO 8601 (dashes or not), RFC 2822 ("Tue, 10 Jun 2003 04:00:00 GMT") and long dates ("January 26, 2023",
 * "26 January 2023"). Undefined for anything else, dates that do not exist included.
 */
export function readMoment(text: string): Moment | undefined {
  const bare = text.replaceAll(/\s+/g, " ").trim();
  const iso = isoForm.exec(bare);
  if (iso !== null) {
    const [, year, month, day, hours, minutes, seconds, millis, zone] = iso;
    return momentOf(
      dayNumber(Number(year), Number(month), Number(day)),
      clockMs(hours, minutes, seconds, millis),
      zone,
    );
  }
  const mail = mailForm.exec(bare);
  if (mail !== null) {
    const [, day, month, year, hours, minutes, seconds, zone] = mail;
    return momentOf(dayOf(year!, month!, day!), clockMs(hours, minutes, seconds), zone);
  }
  const long = longForm.exec(bare);
  if (long === null) return undefined;
  const [, month, day, year, hours, minutes, seconds, half, zone] = long;
  const clock = clockMs(
    hours === undefined ? undefined : String((Number(hours) % 12) + (half!.toLowerCase() === "p" ? 12 : 0)),
    minutes,
    seconds,
  );
  return momentOf(dayOf(year!, month!, day!), clock, zone);
}

function dayOf(year: string, month: string, day: string): number | undefined {
  const at = months.indexOf(month.toLowerCase());
  return at < 0 ? undefined : dayNumber(Number(year), at + 1, Number(day));
}

/** What a wall clock of an IANA zone shows at an instant, as ms of a UTC clock that shows the same. */
function wallMs(ms: number, zone: string): number {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    })
      .formatToParts(ms)
      .map(({ type, value }) => [type, Number(value)]),
  );
  return Date.UTC(
    parts["year"]!,
    parts["month"]! - 1,
    parts["day"]!,
    parts["hour"]!,
    parts["minute"]!,
    parts["second"]!,
  );
}

/** The instant at which a wall clock of the zone shows `wall` (ms of a UTC clock). Undefined for a zone that is not known. */
export function instantOf(wall: number, zone: string): number | undefined {
  try {
    const first = wall - (wallMs(wall, zone) - wall);
    return first - (wallMs(first, zone) - wall);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
