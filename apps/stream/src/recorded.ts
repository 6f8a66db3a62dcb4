import { createReadStream } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { AppError } from "@tapedeck/core";
import type { Instrument } from "@tapedeck/features/series/contract";
import type { TickSource, TickSink } from "./source.ts";

/** Prints of a session, in the order of their time. */
export interface Recording {
  symbol: string;
  timeMs: Float64Array;
  price: Float64Array;
  size: Float64Array;
}

/** Prints that a recording may have: 24 bytes each. */
const maxPrints = 50_000_000;
const stepMs = 20;
/** Prints of one step; beyond it the session's clock waits, so that nothing else starves. */
const stepPrints = 5_000;

const columns = { time: ["event_ms", "time_ms", "time"], price: ["price"], size: ["size", "qty"] };

/**
 * Reads a CSV file (.gz or not) of prints with a header: time in ms UTC, price, size; other columns are passed over. The
 * symbol is what the file's name begins with, up to the first "-". Throws `config.invalid` or `data.invalid`, with the line.
 */
export async function readRecording(file: string): Promise<Recording> {
  const name = path.basename(file);
  const symbol = /^[A-Za-z0-9]{1,20}(?=[-.])/.exec(name)?.[0].toUpperCase();
  if (symbol === undefined)
    throw new AppError(
      "config.invalid",
      `a recording's name begins with its symbol, as SPY-trades.csv; not ${name}`,
    );
  const raw = createReadStream(file);
  raw.on("error", () => undefined);
  const lines = createInterface({ input: name.endsWith(".gz") ? raw.pipe(createGunzip()) : raw });
  const [timeMs, price, size]: [number[], number[], number[]] = [[], [], []];
  let places: number[] | undefined;
  let line = 0;
  const fault = (what: string) => new AppError("data.invalid", `${name}, line ${line}: ${what}`);
  const failed = new Promise<never>((_resolve, reject) =>
    raw.on("error", (error: NodeJS.ErrnoException) =>
      reject(new AppError("config.invalid", `the recording ${file} cannot be read (${error.code})`)),
    ),
  );
  const read = async () => {
    for await (const text of lines) {
      line += 1;
      const cells = text.split(",");
      if (places === undefined) {
        places = Object.values(columns).map((names) =>
          cells.findIndex((cell) => names.includes(cell.trim())),
        );
        if (places.includes(-1)) throw fault("the header must name time, price and size");
        continue;
      }
      const [at, paid, amount] = places.map((place) =>
        Number(cells[place] === "" ? Number.NaN : cells[place]),
      );
      if (!Number.isSafeInteger(at)) throw fault("the time is not in ms UTC");
      if (!(paid! > 0) || !(amount! >= 0)) throw fault("price and size are not numbers of a print");
      if (timeMs.length > 0 && at! < timeMs.at(-1)!) throw fault("the time is before that of the line above");
      if (timeMs.length === maxPrints) throw fault(`a recording has at most ${maxPrints} prints`);
      timeMs.push(at!);
      price.push(paid!);
      size.push(amount!);
    }
  };
  await Promise.race([read(), failed]);
  if (timeMs.length === 0) throw fault("there are no prints");
  return {
    symbol,
    timeMs: Float64Array.from(timeMs),
    price: Float64Array.from(price),
    size: Float64Array.from(size),
  };
}

/**
 * Plays a recording: its own clock begins at the first print's millisecond and runs `speed` times as fast as `now`.
 * It waits where prints come faster than they are taken, so that the same prints come whatever the speed. A recording
 * does not say who took liquidity: a print at or above the one before counts as a buy.
 */
export function createRecordedSource(options: {
  recording: Recording;
  speed: number;
  now(): number;
}): TickSource {
  const { recording, speed } = options;
  const { symbol, timeMs, price, size } = recording;
  const instrument: Instrument = {
    instrumentId: `${symbol}.RECORDED`,
    symbol,
    venue: "RECORDED",
    name: `${symbol} (recorded)`,
    assetClass: "other",
    currency: "USD",
    calendar: "24x7",
    tickSize: null,
    lotSize: null,
    minNotional: null,
    space: "shared",
  };
  let sessionMs = timeMs[0]!;
  let next = 0;
  let lastMs = 0;
  let sink: TickSink;
  let timer: NodeJS.Timeout | undefined;

  function step(): void {
    const nowMs = options.now();
    const untilMs = sessionMs + Math.max(0, nowMs - lastMs) * speed;
    lastMs = nowMs;
    const most = next + stepPrints;
    for (; next < timeMs.length && next < most && timeMs[next]! <= untilMs; next++) {
      sessionMs = timeMs[next]!;
      const before = next === 0 ? price[0]! : price[next - 1]!;
      sink.tick({
        instrumentId: instrument.instrumentId,
        eventMs: sessionMs,
        price: price[next]!,
        size: size[next]!,
        side: price[next]! >= before ? "buy" : "sell",
      });
    }
    if (next === timeMs.length || timeMs[next]! > untilMs) sessionMs = untilMs;
  }

  return {
    venue: "recorded",
    simulated: false,
    seed: null,
    instruments: [instrument],
    now: () => Math.floor(sessionMs),
    add: () => undefined,
    start(given) {
      sink = given;
    },
    follow() {
      lastMs = options.now();
      timer = setInterval(step, stepMs);
    },
    leave: () => clearInterval(timer),
    places: () => new Map(),
    status: () => null,
    stop() {
      clearInterval(timer);
    },
  };
}
