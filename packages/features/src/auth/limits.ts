import type { Kysely } from "kysely";
import { sql } from "kysely";
import type { Database } from "../db.ts";
import type { RateLimit, RateLimiter } from "./contract.ts";

const maxLeases = 50_000;
const leaseMs = 1_000;

interface Lease {
  tokens: number;
  untilMs: number;
  /** Set while tokens are being fetched; callers that arrive meanwhile wait for the same fetch. */
  fetching: Promise<number> | undefined;
}

/**
 * Token buckets kept in PostgreSQL, so that the limit holds across replicas. A process leases up to a
 * twentieth of the burst at a time and spends it locally within a second, so that a caller at full rate costs
 * a few row updates a second, not one per request.
 */
export function createRateLimiter(deps: { db: Kysely<Database>; now: () => number }): RateLimiter {
  const leases = new Map<string, Lease>();

  async function fetchTokens(key: string, limit: RateLimit, want: number): Promise<number> {
    const { rows } = await sql<{ granted: number }>`
      with ask as (
        select ${limit.burst}::float8 as burst, ${limit.perSecond}::float8 as per_second, ${want}::float8 as want,
          extract(epoch from clock_timestamp())::float8 * 1000 as ms
      )
      insert into rate_buckets as bucket (key, tokens, granted, updated_ms)
      select ${key}::text, burst - want, want, ms from ask
      on conflict (key) do update set
        (granted, tokens, updated_ms) = (
          select least(want, floor(filled)), filled - least(want, floor(filled)), greatest(bucket.updated_ms, ms)
          from ask, lateral (
            select least(burst, bucket.tokens + greatest(0, ms - bucket.updated_ms) * per_second / 1000) as filled
          ) as refill
        )
      returning granted`.execute(deps.db);
    return rows[0]!.granted;
  }

  function leaseOf(key: string): Lease {
    let lease = leases.get(key);
    if (lease === undefined) {
      if (leases.size >= maxLeases) leases.delete(leases.keys().next().value!);
      lease = { tokens: 0, untilMs: 0, fetching: undefined };
      leases.set(key, lease);
    }
    return lease;
  }

  return {
    async take(key, limit) {
      const lease = leaseOf(key);
      for (;;) {
        if (lease.tokens >= 1 && deps.now() < lease.untilMs) {
          lease.tokens -= 1;
          return { allowed: true };
        }
        lease.fetching ??= fetchTokens(key, limit, Math.max(1, Math.floor(limit.burst / 20)))
          .then((granted) => {
            lease.tokens = granted;
            lease.untilMs = deps.now() + leaseMs;
            return granted;
          })
          .finally(() => {
            lease.fetching = undefined;
          });
        const granted = await lease.fetching;
        if (granted < 1) return { allowed: false, retryAfterMs: Math.ceil(1_000 / limit.perSecond) };
      }
    },
  };
}
