import { availableParallelism } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { AppError, queueNames } from "@tapedeck/core";
import type { QueueName } from "@tapedeck/core";
import { parseEnvironment } from "@tapedeck/platform/config/index";
import type { Environment } from "@tapedeck/platform/config/index";

const names = [
  "TAPEDECK_DIR",
  "TAPEDECK_IMPORT_DIR",
  "TAPEDECK_STRATEGIES_DIR",
  "TAPEDECK_MAX_WAITING_JOBS",
  "TAPEDECK_MAX_UPLOAD_BYTES",
  "TAPEDECK_UPLOAD_QUOTA_BYTES",
  "TAPEDECK_VENUE_URLS",
  "TAPEDECK_EXTRA_JOBS",
  "TAPEDECK_QUEUE_PREFIX",
  "TAPEDECK_LOCK_MS",
  "TAPEDECK_STALL_MS",
  "TAPEDECK_STOP_MS",
  "TAPEDECK_RETENTION_DAYS",
  "TAPEDECK_CALLBACK_ALLOW_PRIVATE",
  "TAPEDECK_FETCH_ALLOW_PRIVATE",
  "TAPEDECK_PUSH_CONTACT",
  "SMTP_URL",
  "SMTP_FROM",
  "DATABASE_URL",
  "DATABASE_POOL_MAX",
  "REDIS_URL",
  "OPENAI_EMBEDDING_MODEL",
  "WEAVIATE_URL",
  "WEAVIATE_GRPC_URL",
  "WEAVIATE_API_KEY",
  "S3_BUCKET",
  "S3_REGION",
  "S3_ENDPOINT",
  "S3_PREFIX",
  "S3_ACCESS_KEY_ID",
  "S3_SECRET_ACCESS_KEY",
  "OPENAI_API_KEY",
  "OPENAI_BASE_URL",
  "OPENAI_MODEL",
  "LOG_LEVEL",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
] as const;

/** What a worker process is set up with; plain data, so that its threads get it too. */
export interface WorkerConfig {
  queues: QueueName[];
  /** Jobs at once, of each queue. */
  concurrency: number;
  /** Threads for jobs that compute; 0 runs them in the main thread. */
  threads: number;
  /** Port of /healthz and /metrics; undefined: none. */
  healthPort: number | undefined;
  databaseUrl: string;
  dir: string;
  migrationsDir: string;
  /** A worker silent for this long is taken for gone. */
  leaseMs: number;
  environment: Environment<(typeof names)[number]>;
}

function count(text: string | undefined, name: string, fallback: number, min: number, max: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new AppError("config.invalid", `--${name} must be a whole number from ${min} to ${max}`);
}

function parseQueues(text: string | undefined): QueueName[] {
  if (text === undefined) return [...queueNames];
  const wanted = text.split(",").map((name) => name.trim());
  for (const name of wanted) {
    if (!(queueNames as readonly string[]).includes(name)) {
      throw new AppError(
        "config.invalid",
        `--queues: there is no queue ${name}; there are ${queueNames.join(",")}`,
      );
    }
  }
  return [...new Set(wanted)] as QueueName[];
}

/** Command line and environment; throws `config.invalid` with one line. */
export function readConfig(argv: readonly string[], env: Record<string, string | undefined>): WorkerConfig {
  let values: Record<string, string | undefined>;
  try {
    const text = { type: "string" } as const;
    ({ values } = parseArgs({
      args: [...argv],
      options: { queues: text, concurrency: text, threads: text, "health-port": text },
    }));
  } catch (error) {
    throw new AppError("config.invalid", error instanceof Error ? error.message : String(error));
  }
  const environment = parseEnvironment(env, names);
  if (environment.DATABASE_URL === undefined) {
    throw new AppError(
      "config.invalid",
      "DATABASE_URL is not set: name a PostgreSQL, or use `npm start`, which runs its own",
    );
  }
  const healthPort = values["health-port"];
  return {
    queues: parseQueues(values["queues"]),
    concurrency: count(values["concurrency"], "concurrency", 4, 1, 1_000),
    threads: count(values["threads"], "threads", Math.max(1, availableParallelism() - 1), 0, 256),
    healthPort: healthPort === undefined ? undefined : count(healthPort, "health-port", 0, 0, 65_535),
    databaseUrl: environment.DATABASE_URL,
    dir: path.resolve(environment.TAPEDECK_DIR),
    migrationsDir: path.resolve(import.meta.dirname, "../../../migrations"),
    leaseMs: Math.min(10_000, Math.max(3_000, environment.TAPEDECK_LOCK_MS)),
    environment,
  };
}
