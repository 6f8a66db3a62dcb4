import path from "node:path";
import { AppError } from "@tapedeck/core";
import { parseEnvironment } from "@tapedeck/platform/config/index";
import { maxSymbols } from "./simulated.ts";
import type { Environment } from "@tapedeck/platform/config/index";

const names = [
  "HOST",
  "STREAM_PORT",
  "STREAM_ADDRESS",
  "STREAM_VENUE",
  "STREAM_SYMBOLS",
  "STREAM_EXCHANGE",
  "STREAM_CHANNELS",
  "STREAM_REST",
  "STREAM_REST_KEY",
  "STREAM_VENUE_WS_URL",
  "STREAM_VENUE_URL",
  "STREAM_RECORDING",
  "STREAM_SPEED",
  "STREAM_SEED",
  "STREAM_TICKS_PER_SECOND",
  "STREAM_KEEP_DAYS",
  "STREAM_MAX_CLIENTS",
  "TAPEDECK_DIR",
  "TAPEDECK_JWT_SECRET",
  "TAPEDECK_QUEUE_PREFIX",
  "TAPEDECK_STOP_MS",
  "DATABASE_URL",
  "REDIS_URL",
  "LOG_LEVEL",
] as const;

/** What the stream is set up with; read once, passed on in slices. */
export interface StreamConfig {
  databaseUrl: string;
  dir: string;
  root: string;
  migrationsDir: string;
  symbols: readonly string[];
  environment: Environment<(typeof names)[number]>;
}

const root = path.resolve(import.meta.dirname, "../../..");
const defaultSymbols = ["SYN-A", "SYN-B"];

/** Throws `config.invalid` with one line. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): StreamConfig {
  const environment = parseEnvironment(env, names);
  if (environment.DATABASE_URL === undefined)
    throw new AppError(
      "config.invalid",
      "DATABASE_URL is not set: name a PostgreSQL, or use `npm start`, which runs its own",
    );
  const symbols = [...new Set(environment.STREAM_SYMBOLS)];
  if (symbols.length > maxSymbols)
    throw new AppError("config.invalid", `STREAM_SYMBOLS must name at most ${maxSymbols} symbols`);
  const venue = environment.STREAM_VENUE;
  if (symbols.length === 0 && venue !== "simulated" && venue !== "none")
    throw new AppError("config.invalid", `STREAM_SYMBOLS is not set: name the symbols to take from ${venue}`);
  for (const [chosen, needed] of [
    ["ccxt", "STREAM_EXCHANGE"],
    ["rest", "STREAM_REST"],
  ] as const)
    if (venue === chosen && environment[needed] === undefined)
      throw new AppError("config.invalid", `${needed} is not set: STREAM_VENUE=${chosen} needs it`);
  return {
    databaseUrl: environment.DATABASE_URL,
    dir: path.resolve(environment.TAPEDECK_DIR),
    root,
    migrationsDir: path.join(root, "migrations"),
    symbols: symbols.length === 0 ? defaultSymbols : symbols,
    environment,
  };
}
