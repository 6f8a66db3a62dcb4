import { AppError, dayMs } from "@tapedeck/core";
import { calendarOf, isSessionTimeframe, sessionsBetween } from "@tapedeck/trading/calendar/index";
import type { CalendarName } from "@tapedeck/trading/calendar/index";
import type { IngestPayload, Mapping } from "./contract.ts";
import { bareName } from "./roles.ts";
import { wallInstant } from "./times.ts";
import type { ReadTime } from "./times.ts";

type Options = Pick<IngestPayload, "dataKind" | "instrument" | "mapping">;
export type Guess = Mapping["guesses"][number];

/** A row's time, and whose it is. */
export interface SampleTime {
  symbol: string;
  time: ReadTime;
}

/** Of items, the part for which it holds. */
export function share<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.length === 0 ? 0 : items.filter(holds).length / items.length;
}

/** On one axis, zones left aside. */
function axisMs(time: ReadTime): number {
  if (time.kind === "instant") return time.ms;
  return Date.parse(time.date) + (time.kind === "wall" ? Math.round(time.minutes * 60_000) : 0);
}

function timeframeOfStep(stepMs: number): string {
  const days = Math.round(stepMs / dayMs);
  if (stepMs >= dayMs * 0.9) {
    if (days <= 4) return "1d";
    if (days <= 12) return "1w";
    if (days <= 45) return "1mo";
    const monthCount = Math.max(2, Math.round(days / 30.44));
    return `${monthCount}mo`;
  }
  if (stepMs % 3_600_000 === 0) return `${stepMs / 3_600_000}h`;
  if (stepMs % 60_000 === 0) return `${stepMs / 60_000}m`;
  return `${Math.max(1, Math.round(stepMs / 1_000))}s`;
}

/** The commonest step. */
export function timeframeOf(times: readonly SampleTime[], guesses: Guess[]): string {
  const last = new Map<string, number>();
  const counts = new Map<string, number>();
  for (const { symbol, time } of times) {
    const ms = axisMs(time);
    const before = last.get(symbol);
    last.set(symbol, ms);
    if (before === undefined || before === ms) continue;
    const timeframe = timeframeOfStep(Math.abs(ms - before));
    counts.set(timeframe, (counts.get(timeframe) ?? 0) + 1);
  }
  const [best] = [...counts].sort((a, b) => b[1] - a[1]);
  if (best === undefined) {
    throw new AppError(
      "data.invalid",
      'The length of a bar cannot be told from one row: say it with timeframe, such as "1d".',
    );
  }
  guesses.push({ what: "timeframe", value: best[0], why: "the commonest step between rows" });
  return best[0];
}

/** Markets that never close trade two days in seven at weekends; fewer such rows than this are strays. */
const leastWeekend = 0.1;

function percent(part: number): string {
  return `${(part * 100).toFixed(0)}%`;
}

/** Part of the rows that must lie in an exchange's hours: with the zone still to be guessed, and with one that was said. */
const leastInside = 0.5;
const leastInsideSaid = 0.8;

function spansWeekend(dates: readonly string[]): boolean {
  const sorted = dates.toSorted();
  const weekdays = calendarOf("24x5");
  return [...sessionsBetween(calendarOf("24x7"), sorted[0]!, sorted.at(-1)!)].some(
    ({ date }) => weekdays.session(date) === undefined,
  );
}

/** Of daily rows without weekends: an exchange whose holidays are kept, or one that is not known here. */
function calendarOfDays(dates: readonly string[]): { value: CalendarName; why: string } {
  const sorted = dates.toSorted();
  const [from, to] = [sorted[0]!, sorted.at(-1)!];
  const exchange = calendarOf("XNYS");
  const weekdays = calendarOf("24x5");
  const traded = new Set(dates);
  let [holidays, kept] = [0, 0];
  for (const { date } of sessionsBetween(weekdays, from, to)) {
    if (date < exchange.knownFrom || date > exchange.knownTo || exchange.session(date) !== undefined)
      continue;
    holidays++;
    if (!traded.has(date)) kept++;
  }
  if (holidays === 0)
    return { value: "XNYS", why: "there are no rows on weekends, and no holiday that would tell more" };
  return kept * 2 >= holidays
    ? { value: "XNYS", why: `there are no rows on weekends and on ${kept} of its ${holidays} holidays` }
    : {
        value: "24x5",
        why: `there are no rows on weekends, but on ${holidays - kept} of the ${holidays} holidays of XNYS`,
      };
}

const coin = /^(BTC|XBT|ETH|SOL|XRP|ADA|DOGE|BNB|LTC|DOT)[-_/]?/i;

/** The calendar that the rows fit. */
export function calendarOfTimes(
  options: Options,
  times: readonly SampleTime[],
  timeframe: string,
  filename: string,
  guesses: Guess[],
): CalendarName {
  const say = (value: CalendarName, why: string): CalendarName => {
    guesses.push({ what: "calendar", value, why });
    return value;
  };
  const assetClass = options.instrument?.assetClass;
  if (assetClass === "crypto" || assetClass === "perpetual") return say("24x7", `asset class ${assetClass}`);
  const dates = times.map(({ time }) => time.date);
  const weekend = share(dates, (date) => calendarOf("24x5").session(date) === undefined);
  if (options.dataKind === "fx")
    return weekend > leastWeekend
      ? say("24x7", `${percent(weekend)} of the rates are of weekends`)
      : say("24x5", "exchange rates, of weekdays");
  if (options.dataKind === "actions" || options.dataKind === "factors")
    return say("XNYS", "corporate actions");
  if (/^\d+(w|mo)$/.test(timeframe))
    return say("XNYS", "weeks and months do not tell; most such series are of exchanges");
  if (weekend > leastWeekend) return say("24x7", `${percent(weekend)} of the rows are on weekends`);
  if (isSessionTimeframe(timeframe)) {
    const { value, why } = calendarOfDays(dates);
    return say(value, weekend > 0 ? `${why}; a few rows on weekends aside` : why);
  }
  const name = options.instrument?.symbol ?? filename;
  if (coin.test(name)) return say("24x7", `${name} looks like a coin`);
  const newYork = calendarOf("XNYS");
  const inside = (zone: string): number =>
    share(times, ({ time }) => {
      const ms = time.kind === "wall" ? wallInstant(time.date, time.minutes, zone) : axisMs(time);
      const session = newYork.session(newYork.dateOf(ms));
      return session !== undefined && ms >= session.openMs && ms <= session.closeMs;
    });
  const zone = options.mapping?.timeZone;
  const fits =
    zone === undefined
      ? Math.max(inside("UTC"), inside(newYork.timeZone)) >= leastInside
      : inside(zone) >= leastInsideSaid;
  if (fits) return say("XNYS", "most rows lie in New York's trading hours");
  return weekend === 0 && spansWeekend(dates)
    ? say("24x5", "rows lie outside New York's trading hours, and none on a weekend")
    : say("24x7", "rows lie outside New York's trading hours");
}

/** The zone of times that say none. */
export function zoneOf(times: readonly SampleTime[], calendar: CalendarName, guesses: Guess[]): string {
  const walls = times.map(({ time }) => time).filter((time) => time.kind === "wall");
  if (walls.length === 0) return "UTC";
  if (calendar !== "XNYS") {
    guesses.push({ what: "timeZone", value: "UTC", why: "the times say no zone" });
    return "UTC";
  }
  const { session, dateOf, timeZone } = calendarOf(calendar);
  const inside = (zone: string): number =>
    share(walls, (time) => {
      const ms = wallInstant(time.date, time.minutes, zone);
      const hours = session(dateOf(ms));
      return hours !== undefined && ms >= hours.openMs && ms <= hours.closeMs;
    });
  const local = inside(timeZone) >= inside("UTC");
  const zone = local ? timeZone : "UTC";
  guesses.push({
    what: "timeZone",
    value: zone,
    why: `the times say no zone; read so, most lie in ${calendar}'s hours`,
  });
  return zone;
}

/** Which end of its bar a time is. */
export function stampOf(
  dateColumn: string,
  times: readonly SampleTime[],
  timeframe: string,
  calendar: CalendarName,
  zone: string,
  guesses: Guess[],
): "open" | "close" {
  const say = (value: "open" | "close", why: string): "open" | "close" => {
    guesses.push({ what: "stamp", value, why });
    return value;
  };
  const name = bareName(dateColumn);
  if (/^(close|end)/.test(name)) return say("close", `the column is called "${dateColumn}"`);
  if (/^(open|begin|start)/.test(name)) return say("open", `the column is called "${dateColumn}"`);
  if (timeframe === "tick") return "open";
  if (isSessionTimeframe(timeframe)) {
    const ends = share(times, ({ time }) => new Date(Date.parse(time.date) + dayMs).getUTCDate() === 1);
    if (timeframe.endsWith("mo") && ends > 0.9) return say("close", "the dates are the last days of months");
    return say("open", "a date names its whole session; bounds are the calendar's");
  }
  const stepMs = stepOf(timeframe);
  const instants = times.map(({ time }) =>
    time.kind === "wall" ? wallInstant(time.date, time.minutes, zone) : axisMs(time),
  );
  if (calendar === "XNYS") {
    const { session, dateOf } = calendarOf(calendar);
    let [atOpen, atClose] = [0, 0];
    for (const ms of instants) {
      const hours = session(dateOf(ms));
      if (hours?.openMs === ms) atOpen++;
      if (hours?.closeMs === ms) atClose++;
    }
    if (atOpen > atClose) return say("open", "the first bar of sessions is stamped with their open");
    if (atClose > atOpen) return say("close", "the last bar of sessions is stamped with their close");
    return say("open", "nothing tells; most sources stamp the open");
  }
  const first = Math.min(...instants);
  for (const [unitMs, unit] of [
    [dayMs, "day"],
    [3_600_000, "hour"],
  ] as const) {
    if (stepMs >= unitMs) continue;
    if (first % unitMs === 0) return say("open", `the first row is stamped at the start of a ${unit}`);
    if ((first - stepMs) % unitMs === 0)
      return say("close", `the first row is stamped one bar after the start of a ${unit}`);
  }
  return say("open", "nothing tells; most sources stamp the open");
}

function stepOf(timeframe: string): number {
  const unit = { s: 1_000, m: 60_000, h: 3_600_000 }[timeframe.at(-1) as "s" | "m" | "h"];
  return Number.parseInt(timeframe, 10) * unit;
}
