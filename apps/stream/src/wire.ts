import { randomBytes } from "node:crypto";
import path from "node:path";
import { AppError, newId } from "@tapedeck/core";
import type { Bus, Log } from "@tapedeck/core";
import { createRateLimiter } from "@tapedeck/features/auth/limits";
import { createAuthService } from "@tapedeck/features/auth/service";
import type { Db } from "@tapedeck/features/db";
import { createFormulaLibrary } from "@tapedeck/features/indicators/library";
import { readPortfolio } from "@tapedeck/features/orders/portfolio";
import { loadLastClose } from "@tapedeck/features/orders/prices";
import { keptSecret } from "@tapedeck/platform/config/keptSecret";
import { defaultLimits } from "./client.ts";
import type { ClientLimits } from "./client.ts";
import { createHub } from "./hub.ts";
import { createLivePortfolios } from "./portfolios.ts";
import { createProcessKey } from "./processKey.ts";
import { createRowTopics } from "./rowTopics.ts";
import { defaultServerLimits, startServer } from "./server.ts";
import type { ServerLimits } from "./server.ts";
import type { TickSource } from "./source.ts";
import { startTicks } from "./ticks.ts";
import type { LeaseTimes } from "./ticks.ts";

const portfolioMs = 1_000;

export interface StreamParts {
  db: Db;
  bus: Bus;
  log: Log;
  now(): number;
  /** Undefined: no ticks, job events only. */
  source: TickSource | undefined;
  codeVersion: string;
  dir: string;
  jwtSecret: string | undefined;
  host: string;
  port: number;
  /** Where other processes of the venue reach this one; by default on this machine. */
  address?: string | undefined;
  keepMs: number;
  serverLimits?: Partial<ServerLimits>;
  clientLimits?: Partial<ClientLimits>;
  recorder?: { everyMs?: number; chunkRows?: number; maxRows?: number };
  maxSpillBytes?: number;
  leases?: Partial<LeaseTimes>;
}

export interface RunningStream {
  port: number;
  stats(): Record<string, unknown>;
  /** Within the time; what is not stored by then is in the spill file. */
  close(deadlineMs: number): Promise<void>;
}

/** Everything joined and running. */
export async function startStream(parts: StreamParts): Promise<RunningStream> {
  const { db, log, now, source } = parts;
  const runId = newId(now());
  const hub = createHub(runId, 1_024);
  const limiter = createRateLimiter({ db, now });
  const jwtSecret =
    parts.jwtSecret ??
    (await keptSecret(path.join(parts.dir, "jwt-secret"), () => randomBytes(32).toString("base64url")));
  const auth = createAuthService({ db, jwtSecret, limiter, now, log });
  const processKey = createProcessKey(jwtSecret);
  const rows = createRowTopics({ db, bus: parts.bus, log, pollMs: 1_000 });
  const ticking =
    source === undefined ? undefined : await startTicks({ ...parts, source, runId, hub, rows, processKey });
  /** Those that ask for an instrument while it is being taken wait for the same end. */
  const adding = new Map<string, Promise<void>>();
  function add(instrumentId: string): Promise<void> {
    const known = adding.get(instrumentId);
    if (known !== undefined) return known;
    const added = (ticking?.add(instrumentId) ?? Promise.resolve()).finally(() =>
      adding.delete(instrumentId),
    );
    adding.set(instrumentId, added);
    return added;
  }
  const formulas = createFormulaLibrary({ db });
  const markOf = async (tenantId: string, instrumentId: string) =>
    ticking?.lastMark(instrumentId) ?? (await loadLastClose(db, tenantId, instrumentId));
  const portfolios = createLivePortfolios({
    load: (tenantId) => readPortfolio({ db, now, markOf }, tenantId, undefined),
    hub,
    log,
    everyMs: portfolioMs,
  });
  const stats = () => ({
    venue: source?.venue ?? null,
    simulated: source?.simulated ?? false,
    epoch: hub.epoch,
    ...ticking?.stats(),
  });
  const server = await startServer({
    host: parts.host,
    port: parts.port,
    auth,
    processKey,
    limiter,
    hello: () => ({
      type: "hello",
      epoch: hub.epoch,
      venue: source?.venue ?? null,
      simulated: source?.simulated ?? false,
      instruments: source?.instruments.map((one) => one.instrumentId) ?? [],
    }),
    instrumentOf(ticker) {
      if (source === undefined) throw new AppError("symbol.unknown", "This stream has no venue.");
      return ticker.includes(".") ? ticker : `${ticker}.${source.venue.toUpperCase()}`;
    },
    client: {
      hub,
      rows,
      now,
      snapshot: (topic) => ticking?.snapshot(topic),
      compute: async (topic, tenantId) => {
        if (ticking === undefined) throw new AppError("symbol.unknown", "This stream has no venue.");
        return ticking.compute(topic, tenantId);
      },
      expand: async (tenantId, formula) => (await formulas.expand(tenantId, [formula]))[0]!,
      portfolio: portfolios,
      add,
      holderOf: async (instrumentId) => ticking?.holderOf(instrumentId),
      onGivenUp: (listener) => ticking?.onGivenUp(listener) ?? (() => undefined),
      limits: { ...defaultLimits, ...parts.clientLimits },
    },
    limits: { ...defaultServerLimits, ...parts.serverLimits },
    health: () => ({ ok: true, facts: stats() }),
    log,
  });
  await ticking?.listensAt(parts.address ?? `ws://127.0.0.1:${server.port}`);
  return {
    port: server.port,
    stats,
    async close(deadlineMs) {
      const [closed] = await Promise.allSettled([server.close(), ticking?.stop(deadlineMs)]);
      rows.close();
      portfolios.close();
      if (closed.status === "rejected") throw closed.reason;
    },
  };
}
