import type { Log } from "@tapedeck/core";
import { CamelCasePlugin, Kysely, PostgresDialect } from "kysely";
import type { LogEvent } from "kysely";
import pg from "pg";
import { watchedClient } from "./client.ts";

export interface DbOptions {
  /** Most connections of this pool. Default 10. */
  max?: number;
  /** Where errors of idle connections go. */
  log?: Log;
  /** Shown in pg_stat_activity. Default "tapedeck". */
  applicationName?: string;
  /** The server ends a statement after this. Default 15 000; 0 = never. */
  statementTimeoutMs?: number;
  /** Longest wait for a connection, also when the pool is used up. Default 5 000. */
  connectTimeoutMs?: number;
  /**
   * For a pool that runs nothing but prepared statements that find their rows by key: they are planned once a
   * connection instead of at each call, and never read a whole table.
   */
  keyedOnly?: boolean;
  /** Called after every query; for spans. */
  onQuery?: (event: LogEvent) => void;
}

export interface PoolStats {
  total: number;
  idle: number;
  waiting: number;
}

/** A query without any answer for this long has its connection checked. */
const silenceMs = 4_000;

const int8 = 20;
const int8Array = 1016;

/** int8 becomes a number; one that a number cannot hold exactly is an error, never a rounded value. */
function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`int8 value ${text} is not a safe integer`);
  return value;
}

const parseTextArray = (pg.types.getTypeParser as (oid: number) => (text: string) => (string | null)[])(1009);

/** The driver's own parsers but for int8 and int8[]; numeric stays text. */
export const typeParsers = {
  getTypeParser(oid: number, format?: "text" | "binary") {
    if (format !== "binary") {
      if (oid === int8) return parseInt8;
      if (oid === int8Array)
        return (text: string) => parseTextArray(text).map((item) => (item === null ? null : parseInt8(item)));
    }
    return pg.types.getTypeParser(oid, format as "text");
  },
} as pg.CustomTypesConfig;

/**
 * A process that the network cut off cannot end its sessions: the server does, so that their locks go. Idle
 * connections are closed by the pool before that. Prepared statements are planned at each call: a plan made while a
 * table was empty would go on reading all of it.
 */
const sessionOptions = "-c idle_session_timeout=20s -c idle_in_transaction_session_timeout=20s";
const customPlans = "-c plan_cache_mode=force_custom_plan";
const keyedPlans = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off";

export function createPool(url: string, options: DbOptions = {}): pg.Pool {
  const statementTimeoutMs = options.statementTimeoutMs ?? 15_000;
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max ?? 10,
    application_name: options.applicationName ?? "tapedeck",
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    idleTimeoutMillis: 10_000,
    keepAlive: true,
    options: `${sessionOptions} ${options.keyedOnly === true ? keyedPlans : customPlans}`,
    types: typeParsers,
    Client: watchedClient(silenceMs),
    ...(statementTimeoutMs > 0 ? { statement_timeout: statementTimeoutMs } : {}),
  });
  // Without listeners a dropped connection would end the process; whoever runs a query gets its error anyway.
  pool.on("error", (error) =>
    options.log?.warn({ error: error.message }, "an idle database connection was lost"),
  );
  pool.on("connect", (client) => {
    client.on("error", (error) =>
      options.log?.debug({ error: error.message }, "a database connection was lost"),
    );
  });
  return pool;
}

/** A Kysely over its own pool: camelCase in code, snake_case in SQL. `destroy()` closes the pool. */
export function createDb<DB>(url: string, options: DbOptions = {}): Kysely<DB> {
  return createDbWithStats<DB>(url, options).db;
}

export function createDbWithStats<DB>(
  url: string,
  options: DbOptions = {},
): { db: Kysely<DB>; stats(): PoolStats } {
  const pool = createPool(url, options);
  const { onQuery } = options;
  const db = new Kysely<DB>({
    dialect: new PostgresDialect({ pool }),
    // Keys inside JSON values are data: they stay as they are.
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
    ...(onQuery === undefined ? {} : { log: onQuery }),
  });
  return {
    db,
    stats: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
  };
}
