import { Option } from "commander";
import type { Command } from "commander";
import { AppError } from "@tapedeck/core";
import { barsFromTicks, createTimeBars } from "@tapedeck/quant";
import type { BarColumns, BarRule } from "@tapedeck/quant";
import { calendarOf, intradayMs, sessionsBetween } from "@tapedeck/trading/calendar/index";
import type { CalendarName } from "@tapedeck/trading/calendar/index";
import type { LocalTrades } from "@tapedeck/features/ingest/localTrades";
import type { Cli } from "./shared.ts";

const calendars = ["XNYS", "XNSE", "24x5", "24x7"] as const satisfies CalendarName[];
const sizes = ["ticks", "volume", "dollars", "range", "renko"] as const;

type Flags = { data: string; every?: string; calendar?: CalendarName } & Partial<
  Record<(typeof sizes)[number], string>
>;

const chunkRows = 8_192;

/** `tapedeck bars --volume 10000 --data trades.csv`: no server needed; CSV of bars. */
export function barsCommand(program: Command, cli: Cli, now: () => number): void {
  program
    .command("bars")
    .requiredOption(
      "--data <file>",
      "CSV or Parquet file of one instrument's trades, read as import reads it",
    )
    .option("--every <timeframe>", "bars of equal time within the market's sessions, such as 1m")
    .addOption(
      new Option("--calendar <id>", "sessions of bars of equal time (default: guessed)").choices(calendars),
    )
    .option("--ticks <n>", "bars of n trades")
    .option("--volume <n>", "bars of n units traded")
    .option("--dollars <n>", "bars of n of money traded")
    .option("--range <n>", "bars whose high and low are n apart")
    .option("--renko <n>", "bricks of n")
    .description("make bars of a file of trades: CSV out, closed bars alone")
    .action(async (flags: Flags) => {
      const { readLocalTrades } = await import("@tapedeck/features/ingest/localTrades");
      const asked = [...sizes, "every" as const].filter((name) => flags[name] !== undefined);
      if (asked.length !== 1)
        throw new AppError("payload.invalid", `say one of --every, --${sizes.join(", --")}`);
      const trades = await readLocalTrades(flags.data, { now, calendar: flags.calendar });
      print(
        cli,
        flags.every === undefined ? bySize(trades, asked[0]!, flags) : byTime(cli, trades, flags.every),
      );
    });
}

function bySize(trades: LocalTrades, kind: string, flags: Flags): BarColumns {
  const size = Number(flags[kind as (typeof sizes)[number]]);
  try {
    return barsFromTicks(trades, { kind, size } as BarRule);
  } catch (error) {
    if (error instanceof RangeError) throw new AppError("payload.invalid", error.message, { cause: error });
    throw error;
  }
}

/** Counted from each session's open; trades outside sessions and late ones are left out, and told. */
function byTime(cli: Cli, trades: LocalTrades, timeframe: string): BarColumns {
  const calendar = calendarOf(trades.calendar);
  const { timeMs } = trades;
  const dates = [Math.min, Math.max].map((pick) =>
    calendar.dateOf(timeMs.reduce((a, b) => pick(a, b), timeMs[0]!)),
  );
  const sessions = [...sessionsBetween(calendar, dates[0]!, dates[1]!)];
  const builder = createTimeBars({
    everyMs: everyMs(timeframe),
    sessions: {
      startMs: Float64Array.from(sessions, (session) => session.openMs),
      endMs: Float64Array.from(sessions, (session) => session.closeMs),
    },
  });
  builder.advance(trades, 0, timeMs.length);
  builder.closeUntil(Infinity);
  if (builder.outside > 0)
    cli.out.note(`${builder.outside} trades outside ${trades.calendar}'s sessions are left out`);
  if (builder.late > 0)
    cli.out.note(`${builder.late} trades came after their bar had closed and are left out`);
  return builder.closed.copy();
}

function everyMs(timeframe: string): number {
  if (timeframe === "1d" || /^[1-9]\d{0,3}[smh]$/.test(timeframe)) return intradayMs(timeframe);
  throw new AppError(
    "payload.invalid",
    `--every ${timeframe}: write a timeframe of up to a day, such as 30s, 5m, 1h or 1d`,
  );
}

function print(cli: Cli, bars: BarColumns): void {
  const { openMs, closeMs, open, high, low, close, volume, ticks } = bars;
  cli.out.print("time,closeTime,open,high,low,close,volume,ticks");
  const time = (ms: number): string => new Date(ms).toISOString();
  for (let from = 0; from < openMs.length; from += chunkRows) {
    const lines: string[] = [];
    for (let i = from; i < Math.min(openMs.length, from + chunkRows); i++) {
      const values = [open, high, low, close, volume, ticks].map((column) => column[i]!);
      lines.push([time(openMs[i]!), time(closeMs[i]!), ...values].join(","));
    }
    cli.out.print(lines.join("\n"));
  }
}
