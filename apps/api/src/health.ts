import type { Hono } from "hono";
import type { ApiContext, ApiEnv } from "./context.ts";

export interface Health {
  /** Rejects when the database does not answer. */
  pingDatabase(): Promise<unknown>;
  /** Does the queue answer within the time? */
  pingQueue(timeoutMs: number): Promise<boolean>;
  version: string;
}

const patienceMs = 450;

async function within<T>(work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patienceMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * `/healthz`: the process answers. `/readyz`: it can serve, that is, the database answers. The queue is shown and
 * does not decide: submissions are accepted without it.
 */
export function mountHealth(app: Hono<ApiEnv>, health: Health): void {
  const named = (c: ApiContext, name: string) => c.set("route", name);
  app.get("/healthz", (c) => {
    named(c, "healthz");
    return c.json({ status: "ok", version: health.version }, 200, { "cache-control": "no-store" });
  });
  app.get("/readyz", async (c) => {
    named(c, "readyz");
    const [database, queue] = await Promise.all([
      within(
        health.pingDatabase().then(
          () => true,
          () => false,
        ),
      ),
      within(health.pingQueue(patienceMs).catch(() => false)),
    ]);
    const isReady = database === true;
    const checks = { database: isReady, queue: queue === true };
    return c.json({ status: isReady ? "ready" : "unavailable", checks }, isReady ? 200 : 503, {
      "cache-control": "no-store",
    });
  });
}
