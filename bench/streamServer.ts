/** The stream's server over a hub, with clients of any number and no database. */
import type { Log } from "@tapedeck/core";
import { defaultLimits } from "../apps/stream/src/client.ts";
import { createHub } from "../apps/stream/src/hub.ts";
import { createProcessKey } from "../apps/stream/src/processKey.ts";
import { defaultServerLimits, startServer } from "../apps/stream/src/server.ts";

const silent = () => undefined;
export const silentLog = { debug: silent, info: silent, warn: silent, error: silent } as unknown as Log;

export async function openStreamServer(clients: number) {
  const hub = createHub("bench", 1_024);
  const caller = { principalId: "bench", tenantId: "bench", kind: "key", role: "viewer" } as const;
  const server = await startServer({
    host: "127.0.0.1",
    port: 0,
    auth: { authenticate: () => Promise.resolve(caller) },
    processKey: createProcessKey("bench"),
    limiter: { take: () => Promise.resolve({ allowed: true, retryAfterMs: 0 }) },
    hello: () => ({ type: "hello", epoch: "bench", venue: "binance", simulated: false, instruments: [] }),
    instrumentOf: (ticker) => ticker,
    client: {
      hub,
      // No client of a bench asks for jobs or alerts.
      rows: {} as never,
      now: () => performance.now(),
      snapshot: () => [],
      compute: () => Promise.reject(new Error("no client of a bench asks for formulas")),
      expand: (_tenantId, formula) => Promise.resolve(formula),
      portfolio: { follow: () => Promise.resolve(silent), snapshot: () => ({}) },
      add: () => Promise.resolve(),
      holderOf: () => Promise.resolve(undefined),
      onGivenUp: () => silent,
      limits: defaultLimits,
    },
    limits: { ...defaultServerLimits, clients, clientsOfOne: clients },
    health: () => ({ ok: true, facts: {} }),
    log: silentLog,
  });
  return { hub, server };
}
