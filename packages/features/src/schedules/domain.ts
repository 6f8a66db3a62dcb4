import { AppError } from "@tapedeck/core";
import { Cron } from "croner";

/** The parsed expression, or `payload.invalid` saying what is wrong with it or with the time zone. */
function parse(cron: string, timeZone: string): Cron {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
  } catch {
    throw new AppError(
      "payload.invalid",
      `There is no time zone ${timeZone}; use an IANA name such as America/New_York.`,
    );
  }
  try {
    return new Cron(cron, { timezone: timeZone, mode: "5-or-6-parts", paused: true });
  } catch (error) {
    throw new AppError(
      "payload.invalid",
      `The cron expression "${cron}" cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** The first time after `afterMs`, null when there is none. A local time that a clock change leaves out is taken right after it. */
export function nextTime(cron: string, timeZone: string, afterMs: number): number | null {
  return parse(cron, timeZone).nextRun(new Date(afterMs))?.getTime() ?? null;
}

export function nextTimes(cron: string, timeZone: string, afterMs: number, count: number): number[] {
  return parse(cron, timeZone)
    .nextRuns(count, new Date(afterMs))
    .map((time) => time.getTime());
}

/** A time this late still counts as kept, whatever the misfire policy. */
export const lateMs = 60_000;
