import path from "node:path";
import { AppError } from "@tapedeck/core";
import type { RateLimit } from "@tapedeck/features/auth/contract";
import { parseEnvironment } from "@tapedeck/platform/config/index";
import type { Environment } from "@tapedeck/platform/config/index";

const projectRoot = path.resolve(import.meta.dirname, "../../..");

const names = [
  "HOST",
  "PORT",
  "STREAM_PORT",
  "STREAM_URL",
  "TAPEDECK_DIR",
  "TAPEDECK_API_KEY",
  "TAPEDECK_JWT_SECRET",
  "TAPEDECK_CORS_ORIGINS",
  "TAPEDECK_TRUST_PROXY",
  "TAPEDECK_RATE_PER_SECOND",
  "TAPEDECK_RATE_BURST",
  "TAPEDECK_MAX_BODY_BYTES",
  "TAPEDECK_MAX_WAITING_JOBS",
  "TAPEDECK_MAX_UPLOAD_BYTES",
  "TAPEDECK_UPLOAD_QUOTA_BYTES",
  "TAPEDECK_UPLOAD_DAYS",
  "TAPEDECK_CACHE_DAYS",
  "TAPEDECK_AUDIT_DAYS",
  "TAPEDECK_STREAM_DAYS",
  "STREAM_KEEP_DAYS",
  "TAPEDECK_IMPORT_DIR",
  "TAPEDECK_STRATEGIES_DIR",
  "TAPEDECK_VENUE_URLS",
  "TAPEDECK_LOCK_MS",
  "TAPEDECK_RETENTION_DAYS",
  "TAPEDECK_CALLBACK_ALLOW_PRIVATE",
  "TAPEDECK_FETCH_ALLOW_PRIVATE",
  "TAPEDECK_EXTRA_JOBS",
  "TAPEDECK_QUEUE_PREFIX",
  "TAPEDECK_STOP_MS",
  "DATABASE_URL",
  "DATABASE_POOL_MAX",
  "REDIS_URL",
  "OPENAI_EMBEDDING_MODEL",
  "OPENAI_API_KEY",
  "OPENAI_BASE_URL",
  "WEAVIATE_URL",
  "WEAVIATE_GRPC_URL",
  "WEAVIATE_API_KEY",
  "S3_BUCKET",
  "S3_REGION",
  "S3_ENDPOINT",
  "S3_PREFIX",
  "S3_ACCESS_KEY_ID",
  "S3_SECRET_ACCESS_KEY",
  "LOG_LEVEL",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
] as const;

/** What the API is set up with; read once, passed on in slices. */
export interface ApiConfig {
  host: string;
  port: number;
  dir: string;
  databaseUrl: string;
  migrationsDir: string;
  dashboardDir: string;
  callerLimit: RateLimit;
  anonymousLimit: RateLimit;
  corsOrigins: readonly string[];
  /** Where the stream listens. */
  streamUrl: string;
  trustProxy: boolean;
  maxBodyBytes: number;
  stopMs: number;
  environment: Environment<(typeof names)[number]>;
}

/** Throws `config.invalid` with one line. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): ApiConfig {
  const environment = parseEnvironment(env, names);
  if (environment.DATABASE_URL === undefined)
    throw new AppError(
      "config.invalid",
      "DATABASE_URL is not set: name a PostgreSQL, or use `npm start`, which runs its own",
    );
  const perSecond = environment.TAPEDECK_RATE_PER_SECOND;
  const burst = environment.TAPEDECK_RATE_BURST;
  return {
    host: environment.HOST,
    port: environment.PORT,
    dir: path.resolve(environment.TAPEDECK_DIR),
    databaseUrl: environment.DATABASE_URL,
    migrationsDir: path.join(projectRoot, "migrations"),
    dashboardDir: path.join(projectRoot, "apps/dashboard/dist"),
    callerLimit: { perSecond, burst },
    anonymousLimit: { perSecond: Math.max(1, perSecond / 10), burst: Math.max(10, burst / 10) },
    corsOrigins: environment.TAPEDECK_CORS_ORIGINS,
    streamUrl: environment.STREAM_URL ?? `http://127.0.0.1:${environment.STREAM_PORT}`,
    trustProxy: environment.TAPEDECK_TRUST_PROXY,
    maxBodyBytes: environment.TAPEDECK_MAX_BODY_BYTES,
    stopMs: environment.TAPEDECK_STOP_MS,
    environment,
  };
}
