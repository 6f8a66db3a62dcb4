import type { Server } from "node:http";
import { createServer } from "node:http";
import { serve } from "@hono/node-server";
import { AppError } from "@tapedeck/core";
import type { Hono } from "hono";
import type { ApiEnv } from "./context.ts";
import { isStreamHandshake } from "./streamProxy.ts";

export interface RunningServer {
  port: number;
  server: Server;
  /** Takes no more; answers what is under way, ends streams (clients resume elsewhere), within the time. */
  close(deadlineMs: number): Promise<void>;
}

/**
 * Bodies may take long (uploads have no limit of time); headers may not. Longer than proxies keep theirs. Only WebSockets
 * at /ws are upgraded: a client that offers HTTP/2 on the way is answered as if it had not.
 */
const serverOptions = {
  requestTimeout: 0,
  headersTimeout: 20_000,
  keepAliveTimeout: 65_000,
  shouldUpgradeCallback: isStreamHandshake,
};

/** Listens; an address in use is `config.invalid` with what to do. `inFlight` counts requests not yet answered. */
export async function listen(
  app: Hono<ApiEnv>,
  options: { host: string; port: number; inFlight: () => number; stopping: AbortController },
): Promise<RunningServer> {
  const { host } = options;
  const server = await new Promise<Server>((resolve, reject) => {
    const made = serve(
      { fetch: app.fetch, hostname: host, port: options.port, createServer, serverOptions },
      () => resolve(made),
    ) as Server;
    made.once("error", (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === "EADDRINUSE"
          ? `port ${options.port} is in use by another program; set PORT to a free one`
          : `cannot listen on ${host}:${options.port} (${error.code ?? error.message}); check HOST and PORT`;
      reject(new AppError("config.invalid", reason, { cause: error }));
    });
  });
  const address = server.address();
  return {
    server,
    port: typeof address === "object" && address !== null ? address.port : options.port,
    async close(deadlineMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      options.stopping.abort();
      const until = performance.now() + deadlineMs;
      while (options.inFlight() > 0 && performance.now() < until)
        await new Promise((resolve) => setTimeout(resolve, 20));
      // The last answers are on their way out; what is left then are streams.
      await new Promise((resolve) => setTimeout(resolve, 50));
      server.closeAllConnections();
      await closed;
    },
  };
}
