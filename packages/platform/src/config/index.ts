import { AppError, nearestName } from "@tapedeck/core";
import { logLevels } from "../log/index.ts";
import {
  address,
  choice,
  flag,
  folder,
  integer,
  list,
  optionalPath,
  optionalText,
  secretText,
  text,
} from "./kinds.ts";
import type { Variable } from "./kinds.ts";

/** Every variable that any part of Tapedeck reads. docs/operations.md shows this table; a test compares them. */
export const environment = {
  PORT: integer(3000, 0, 65_535, "Port of the API and the dashboard; 0 takes any free one"),
  HOST: text("127.0.0.1", "Address to listen on; 0.0.0.0 for all"),
  STREAM_PORT: integer(3100, 0, 65_535, "Port of the stream; the API hands /ws on to it"),
  STREAM_URL: address(["http"], "Where the API finds the stream; default: STREAM_PORT on this machine"),
  STREAM_ADDRESS: address(
    ["ws"],
    "Where other stream processes reach this one; default: STREAM_PORT on this machine",
  ),
  STREAM_VENUE: choice(
    ["simulated", "binance", "binanceusdm", "kraken", "ccxt", "rest", "none"],
    "simulated",
    "Where ticks come from; simulated makes them up, ccxt is any exchange it knows, rest asks an address for prices, none only serves job events",
  ),
  STREAM_EXCHANGE: optionalText("ccxt's id of the exchange, such as okx; with STREAM_VENUE=ccxt"),
  STREAM_CHANNELS: list(
    "What is taken of Binance: aggTrades or trades, quotes, book, bars, marks; default: aggTrades,quotes,book, and marks of futures",
    (item) =>
      /^(aggTrades|trades|quotes|book|bars|marks)$/.test(item)
        ? undefined
        : "must hold names of aggTrades, trades, quotes, book, bars, marks",
  ),
  STREAM_REST: optionalPath("File of JSON that says what to ask for prices; with STREAM_VENUE=rest"),
  STREAM_REST_KEY: secretText("Key that goes where that file's address has {key}", 1),
  STREAM_SYMBOLS: list(
    "Symbols as the venue names them: BTCUSDT at Binance, BTC/USD at Kraken and with ccxt; default for simulated: SYN-A,SYN-B",
    (item) =>
      /^[A-Z0-9][A-Z0-9/:.-]{0,29}$/.test(item) ? undefined : "must hold symbols such as SYN-A or BTCUSDT",
  ),
  STREAM_VENUE_WS_URL: address(
    ["ws", "wss"],
    "Another address of the venue's WebSocket server, for proxies and tests",
  ),
  STREAM_VENUE_URL: address(
    ["http", "https"],
    "Another address of the venue's public REST server, for proxies and tests",
  ),
  STREAM_RECORDING: optionalPath(
    "A recorded session to play instead of a venue: a CSV file (.gz or not) of event_ms, price, size, such as SPY-trades.csv.gz",
  ),
  STREAM_SPEED: integer(1, 1, 100_000, "How many times as fast as it happened a recorded session is played"),
  STREAM_SEED: integer(1, 0, 2 ** 31, "Seed of the simulated venue; the same seed makes the same prices"),
  STREAM_TICKS_PER_SECOND: integer(4, 1, 10_000, "Ticks of each simulated symbol, on average"),
  STREAM_KEEP_DAYS: integer(7, 1, 36_500, "Simulated ticks and bars are erased after this many days"),
  STREAM_MAX_CLIENTS: integer(1_000, 1, 100_000, "WebSocket connections of a stream process"),
  TAPEDECK_DIR: folder(
    ".tapedeck",
    "Folder of everything that is stored on this machine: database, blobs, index, logs, keys",
  ),
  TAPEDECK_URL: address(
    ["http", "https"],
    "Address of the API that the command line speaks to; default: the one that runs in TAPEDECK_DIR",
  ),
  TAPEDECK_API_KEY: secretText(
    "Key of the first administrator; without it one is generated and kept in TAPEDECK_DIR/api-key (mode 600)",
    24,
  ),
  TAPEDECK_JWT_SECRET: secretText(
    "Signs access tokens; the same on all API replicas; without it one is generated and kept in TAPEDECK_DIR",
    32,
  ),
  TAPEDECK_IMPORT_DIR: optionalPath(
    "Folder whose files ingest jobs may read; without it only uploads, venues and bundled data",
  ),
  TAPEDECK_STRATEGIES_DIR: optionalPath(
    "Folder of the operator's strategy modules; default: strategies/ beside the program",
  ),
  TAPEDECK_MAX_UPLOAD_BYTES: integer(10_737_418_240, 1, 2 ** 50, "Largest upload"),
  TAPEDECK_UPLOAD_QUOTA_BYTES: integer(107_374_182_400, 1, 2 ** 50, "All uploads of one tenant together"),
  TAPEDECK_UPLOAD_DAYS: integer(
    90,
    1,
    36_500,
    "Uploaded files are erased after this many days; what was imported from them stays",
  ),
  TAPEDECK_CACHE_DAYS: integer(
    30,
    1,
    36_500,
    "Pages kept of venues, and dataset files that no lineage names, are erased when unused for this many days",
  ),
  TAPEDECK_AUDIT_DAYS: integer(730, 90, 36_500, "Audit entries are erased after this many days"),
  TAPEDECK_STREAM_DAYS: integer(
    365,
    1,
    36_500,
    "Streams' findings and closed gaps, triggers of alerts, and deleted alerts are erased after this many days",
  ),
  TAPEDECK_VENUE_URLS: list(
    "Other addresses of exchanges' public REST servers, for proxies and tests: binance=http://127.0.0.1:9000",
    (item) =>
      /^[a-z0-9_]+=/.test(item) && URL.canParse(item.slice(item.indexOf("=") + 1))
        ? undefined
        : `must be exchange=URL, such as binance=http://127.0.0.1:9000`,
  ),
  TAPEDECK_EXTRA_JOBS: optionalPath("Module with job types of your own: exports contracts and handlers"),
  TAPEDECK_QUEUE_PREFIX: text("tapedeck", "Namespace in Redis, for several deployments on one server"),
  TAPEDECK_LOCK_MS: integer(
    30_000,
    1_000,
    600_000,
    "A worker that does not renew its lock on a job for this long has lost the job",
  ),
  TAPEDECK_STALL_MS: integer(10_000, 500, 600_000, "How often lost locks are looked for"),
  TAPEDECK_STOP_MS: integer(10_000, 500, 600_000, "After SIGTERM, time to finish or hand back what runs"),
  TAPEDECK_RETENTION_DAYS: integer(
    90,
    1,
    36_500,
    "Ended jobs with their events and logs are erased after this many days",
  ),
  TAPEDECK_RATE_PER_SECOND: integer(
    200,
    1,
    1_000_000,
    "Requests a second of one caller, over all API replicas",
  ),
  TAPEDECK_RATE_BURST: integer(1_000, 1, 1_000_000, "Requests that a caller may make at once"),
  TAPEDECK_MAX_WAITING_JOBS: integer(
    200_000,
    1,
    100_000_000,
    "Jobs of one tenant that may wait or run at once",
  ),
  TAPEDECK_MAX_BODY_BYTES: integer(
    1_048_576,
    1_024,
    1_073_741_824,
    "Largest JSON body; jobs and uploads have their own limits",
  ),
  TAPEDECK_CALLBACK_ALLOW_PRIVATE: flag(false, "Let callbackUrl point to private and loopback addresses"),
  TAPEDECK_FETCH_ALLOW_PRIVATE: flag(
    false,
    "Let imports of documents fetch from private and loopback addresses",
  ),
  SMTP_URL: address(
    ["smtp", "smtps"],
    "Mail server that alerts are sent by: smtp://user:password@host:587; default: none, e-mail channels fail",
    { secret: true },
  ),
  SMTP_FROM: text("Tapedeck <tapedeck@localhost>", "Sender of that mail"),
  TAPEDECK_PUSH_CONTACT: text(
    "mailto:admin@localhost",
    "Whom a browser's push service may turn to: a mailto: or https: address",
  ),
  TAPEDECK_CORS_ORIGINS: list("Origins whose pages may call the API with a token", (item) =>
    URL.canParse(item) && new URL(item).origin === item
      ? undefined
      : "must hold origins such as https://example.com",
  ),
  TAPEDECK_TRUST_PROXY: flag(
    false,
    "Take the caller's address from X-Forwarded-For; only behind a proxy that sets it",
  ),
  DATABASE_URL: address(
    ["postgres", "postgresql"],
    "PostgreSQL; default: an embedded one under TAPEDECK_DIR",
    { secret: true },
  ),
  DATABASE_POOL_MAX: integer(10, 1, 200, "Most database connections of a process"),
  REDIS_URL: address(
    ["redis", "rediss"],
    "Redis or Valkey for the queue and the wake-ups; default: both on PostgreSQL",
    { secret: true },
  ),
  WEAVIATE_URL: address(
    ["http", "https"],
    "Weaviate for the knowledge index; default: LanceDB under TAPEDECK_DIR",
  ),
  WEAVIATE_GRPC_URL: address(
    ["http", "https"],
    "Weaviate's gRPC address; default: the host of WEAVIATE_URL, port 50051",
  ),
  WEAVIATE_API_KEY: secretText("Key of Weaviate"),
  OPENAI_API_KEY: secretText(
    "Turns the language model on, with OPENAI_BASE_URL or alone; default: the deterministic planner",
  ),
  OPENAI_BASE_URL: address(["http", "https"], "Any server that speaks the OpenAI protocol"),
  OPENAI_MODEL: text("gpt-4.1-mini", "Name of the model that answers"),
  OPENAI_EMBEDDING_MODEL: optionalText(
    "Name of the model for embeddings; default: none, the index uses words alone",
  ),
  S3_BUCKET: optionalText("Keep blobs in this S3 bucket; default: a folder under TAPEDECK_DIR"),
  S3_ENDPOINT: address(["http", "https"], "S3 server other than Amazon's"),
  S3_REGION: text("us-east-1", "Region of the bucket"),
  S3_PREFIX: optionalText("Put before every key in the bucket, such as tapedeck/"),
  S3_ACCESS_KEY_ID: optionalText("Access key of S3; default: the machine's own credentials"),
  S3_SECRET_ACCESS_KEY: secretText("Secret key of S3"),
  LOG_LEVEL: choice(logLevels, "info", "Least level that is written"),
  OTEL_EXPORTER_OTLP_ENDPOINT: address(
    ["http", "https"],
    "Collector of traces, OTLP over HTTP; default: no traces",
  ),
  DATA_DIR: folder("../shared/data", "Sample data for tests and benchmarks"),
  GOLDEN_DIR: folder("../shared/golden", "Reference values for tests"),
  PEERS_PYTHON: optionalPath(
    "Python of a virtual environment with the libraries that benchmarks compare with",
  ),
} as const satisfies Record<string, Variable<unknown>>;

export type EnvironmentName = keyof typeof environment;

type ValueOf<V> = V extends Variable<infer T> ? T : never;

export type Environment<Names extends EnvironmentName = EnvironmentName> = {
  readonly [Name in Names]: ValueOf<(typeof environment)[Name]>;
};

/** One line: an unknown TAPEDECK_ name is most often a typing error that would else silently keep a default. */
function checkNames(env: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith("TAPEDECK_") || value === undefined || Object.hasOwn(environment, name)) continue;
    const near = nearestName(
      name,
      Object.keys(environment).filter((known) => known.startsWith("TAPEDECK_")),
    );
    const hint = near === undefined ? "; docs/operations.md lists them" : `; did you mean ${near}?`;
    throw new AppError("config.invalid", `${name} is not a variable of Tapedeck${hint}`);
  }
}

/**
 * The named variables of `env` as typed values; unset and empty ones get their defaults. Throws `config.invalid` with
 * one line for an unknown TAPEDECK_ name or a malformed value; a value is never repeated in it.
 */
export function parseEnvironment<Names extends EnvironmentName>(
  env: Record<string, string | undefined>,
  names: readonly Names[],
): Environment<Names> {
  checkNames(env);
  const values: Partial<Record<EnvironmentName, unknown>> = {};
  for (const name of names) {
    const variable: Variable<unknown> = environment[name];
    const set = env[name]?.trim();
    if (set === undefined || set === "") {
      values[name] = variable.fallback;
      continue;
    }
    try {
      values[name] = variable.parse(set);
    } catch (error) {
      throw new AppError("config.invalid", `${name} ${(error as Error).message}`);
    }
  }
  return values as Environment<Names>;
}

/** All variables, for a program that needs most of them. */
export function readEnvironment(env: Record<string, string | undefined>): Environment {
  return parseEnvironment(env, Object.keys(environment) as EnvironmentName[]);
}

/** The table of docs/operations.md. */
export function environmentTable(): string {
  const rows = Object.entries(environment).map(
    ([name, { format, shown, meaning }]: [string, Variable<unknown>]) =>
      `| \`${name}\` | ${shown === "–" ? "–" : `\`${shown}\``} | ${format} | ${meaning} |`,
  );
  return ["| variable | default | value | meaning |", "|---|---|---|---|", ...rows].join("\n");
}
