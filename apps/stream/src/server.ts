import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { AppError, errorCodes } from "@tapedeck/core";
import type { Caller, Log } from "@tapedeck/core";
import type { AuthService, Credential, RateLimiter } from "@tapedeck/features/auth/contract";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { closeCodes, createStreamClient } from "./client.ts";
import type { ClientParts, StreamClient } from "./client.ts";
import { credentialOf } from "./credential.ts";
import { frameText } from "./hub.ts";
import { createStreamMetrics } from "./metrics.ts";

export interface ServerLimits {
  /** Connections of this process, and of one principal. */
  clients: number;
  clientsOfOne: number;
  /** Bytes of a frame; a larger one ends the connection with 1009. */
  frameBytes: number;
  /** A connection that has not answered the last ping by the next one is ended. */
  pingMs: number;
  /** How often credentials are looked at again. */
  recheckMs: number;
  /** How often slow clients are looked at. */
  sweepMs: number;
}

export const defaultServerLimits: ServerLimits = {
  clients: 1_000,
  clientsOfOne: 50,
  frameBytes: 4_096,
  pingMs: 20_000,
  recheckMs: 10_000,
  sweepMs: 100,
};

/** Tries with credentials that are not valid, of one address. */
const wrongTries = { perSecond: 1, burst: 20 };

export interface StreamServerOptions {
  host: string;
  port: number;
  auth: Pick<AuthService, "authenticate">;
  limiter: RateLimiter;
  /** What a new connection is told. */
  hello(): Parameters<typeof frameText>[0];
  client: Omit<ClientParts, "socket" | "caller" | "log">;
  limits: ServerLimits;
  health(): { ok: boolean; facts: Record<string, unknown> };
  log: Log;
}

export interface StreamServer {
  port: number;
  clients(): number;
  /** Tells every client that it goes away. */
  close(): Promise<void>;
}

interface Connection {
  socket: WebSocket;
  client: StreamClient;
  credential: Credential;
  caller: Omit<Caller, "requestId">;
  answered: boolean;
}

/** A refused handshake: the same problem document as the API's. */
function refuse(socket: Duplex, error: AppError): void {
  const { status } = error;
  const body = JSON.stringify({
    type: `/api/errors#${error.code}`,
    title: errorCodes[error.code].title,
    status,
    detail: error.message,
    instance: "/ws",
    code: error.code,
    retryable: error.retryable,
  });
  const extra =
    status === 401
      ? 'www-authenticate: Bearer realm="tapedeck"\r\n'
      : status === 503 || status === 429
        ? "retry-after: 1\r\n"
        : "";
  socket.end(
    `HTTP/1.1 ${status} ${errorCodes[error.code].title}\r\nconnection: close\r\ncontent-type: application/problem+json\r\n${extra}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function asRefusal(error: unknown): AppError {
  return error instanceof AppError
    ? error
    : new AppError("service.unavailable", "The credentials cannot be looked at; try again shortly.", {
        retryable: true,
        cause: error,
      });
}

/** The address as the API's proxy tells it; a direct client's own. */
function addressOf(request: IncomingMessage): string {
  const forwarded = request.headers["x-forwarded-for"];
  const told = typeof forwarded === "string" ? forwarded.split(",").at(-1)!.trim() : "";
  return (told === "" ? (request.socket.remoteAddress ?? "unknown") : told).slice(0, 64);
}

/** Serves `/ws`, `/healthz` and `/metrics`. */
export async function startServer(options: StreamServerOptions): Promise<StreamServer> {
  const { limits, log } = options;
  const connections = new Set<Connection>();
  const ofOne = new Map<string, number>();
  let closing = false;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.frameBytes,
    perMessageDeflate: false,
    clientTracking: false,
  });
  const metrics = createStreamMetrics(() => ({ clients: connections.size, ...options.health().facts }));
  const server = createServer((request, response) => {
    if (request.url === "/metrics") {
      void metrics.text().then((text) => {
        response.writeHead(200, { "content-type": metrics.contentType, "cache-control": "no-store" });
        response.end(text);
      });
      return;
    }
    if (request.url !== "/healthz") {
      response.writeHead(404).end();
      return;
    }
    const { ok, facts } = options.health();
    response.writeHead(ok ? 200 : 503, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(JSON.stringify({ status: ok ? "ok" : "unavailable", clients: connections.size, ...facts }));
  });
  server.headersTimeout = 10_000;

  /** Throws an AppError: the handshake is refused. */
  async function admit(
    request: IncomingMessage,
  ): Promise<{ credential: Credential; caller: Omit<Caller, "requestId"> }> {
    if (new URL(request.url ?? "/", "http://stream").pathname !== "/ws")
      throw new AppError("route.unknown", "WebSockets are at /ws.");
    if (closing || connections.size >= limits.clients)
      throw new AppError("service.unavailable", "This server has as many connections as it takes.", {
        retryable: true,
      });
    const credential = credentialOf(request.headers);
    let caller: Omit<Caller, "requestId">;
    try {
      caller = await options.auth.authenticate(credential);
    } catch (error) {
      if (!(error instanceof AppError) || error.status !== 401) throw error;
      const taken = await options.limiter.take(`ws:${addressOf(request)}`, wrongTries);
      throw taken.allowed
        ? error
        : new AppError("rate.limited", "Too many tries with credentials that are not valid.");
    }
    if ((ofOne.get(caller.principalId) ?? 0) >= limits.clientsOfOne)
      throw new AppError(
        "rate.limited",
        `You have ${limits.clientsOfOne} connections, which is the most; close one.`,
      );
    return { credential, caller };
  }

  function open(socket: WebSocket, credential: Credential, caller: Omit<Caller, "requestId">): void {
    ofOne.set(caller.principalId, (ofOne.get(caller.principalId) ?? 0) + 1);
    const client = createStreamClient({ ...options.client, socket, caller, log });
    const connection: Connection = { socket, client, credential, caller, answered: true };
    connections.add(connection);
    socket.on("pong", () => {
      connection.answered = true;
    });
    socket.on("error", (error) => log.debug({ err: error }, "a connection failed"));
    socket.on("close", () => {
      client.stop();
      connections.delete(connection);
      const left = ofOne.get(caller.principalId)! - 1;
      if (left === 0) ofOne.delete(caller.principalId);
      else ofOne.set(caller.principalId, left);
    });
    socket.send(frameText(options.hello()));
  }

  server.on("upgrade", (request, socket, head) => {
    const ignore = () => undefined;
    socket.on("error", ignore);
    admit(request).then(
      ({ credential, caller }) => {
        if (socket.destroyed) return;
        socket.off("error", ignore);
        sockets.handleUpgrade(request, socket, head, (opened) => open(opened, credential, caller));
      },
      (thrown: unknown) => {
        const error = asRefusal(thrown);
        if (error.status >= 500) log.warn({ err: error.cause ?? error }, "a handshake was refused");
        refuse(socket, error);
      },
    );
  });

  const pings = setInterval(() => {
    for (const connection of connections) {
      if (!connection.answered) {
        connection.socket.terminate();
        continue;
      }
      connection.answered = false;
      connection.socket.ping();
    }
  }, limits.pingMs);
  const sweeps = setInterval(() => {
    for (const { client } of connections) client.sweep();
  }, limits.sweepMs);
  const rechecks = setInterval(() => {
    for (const { socket, credential } of connections) {
      options.auth.authenticate(credential).catch((error: unknown) => {
        // A database that is away says nothing about the credentials.
        if (error instanceof AppError && error.status === 401)
          socket.close(closeCodes.unauthenticated, "credentials not valid any more");
      });
    }
  }, limits.recheckMs);

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === "EADDRINUSE"
          ? `port ${options.port} is in use by another program; set STREAM_PORT to a free one`
          : `cannot listen on ${options.host}:${options.port} (${error.code ?? error.message}); check HOST and STREAM_PORT`;
      reject(new AppError("config.invalid", reason, { cause: error }));
    });
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    clients: () => connections.size,
    async close() {
      closing = true;
      for (const timer of [pings, sweeps, rechecks]) clearInterval(timer);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const { socket } of connections) socket.close(closeCodes.goingAway, "the server stops");
      const until = performance.now() + 1_000;
      while (connections.size > 0 && performance.now() < until)
        await new Promise((resolve) => setTimeout(resolve, 20));
      for (const { socket } of connections) socket.terminate();
      server.closeAllConnections();
      await closed;
    },
  };
}
