import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { AppError, errorCodes } from "@tapedeck/core";
import type { Caller, Log } from "@tapedeck/core";
import type { AuthService, Credential, RateLimiter } from "@tapedeck/features/auth/contract";
import { parseTopic } from "@tapedeck/features/ticks/contract";
import type { ServerFrame, Topic } from "@tapedeck/features/ticks/contract";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { createStreamClient, socketTransport, subprotocols } from "./client.ts";
import type { ClientLimits, ClientParts } from "./client.ts";
import { credentialOf } from "./credential.ts";
import { eventTransport, resumesOf } from "./eventStream.ts";
import { createStreamMetrics } from "./metrics.ts";
import type { ProcessKey } from "./processKey.ts";
import { createRelay, relayHeader } from "./relay.ts";
import { closeCodes, createSession } from "./session.ts";
import type { Session, Transport } from "./session.ts";
import { tickerOf, tickerTransport } from "./ticker.ts";

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

/** Another process of the venue: it sees the market alone. */
const processCaller: Omit<Caller, "requestId"> = {
  principalId: "process of the stream",
  kind: "key",
  tenantId: "",
  role: "viewer",
  operating: false,
};

/** A process may follow every instrument's bars of every length, all at once after a restart. */
function processLimits(limits: ClientLimits): ClientLimits {
  return { ...limits, subscriptions: 10_000, framesPerSecond: 10_000, framesBurst: 20_000 };
}

/** Tries with credentials that are not valid, of one address. */
const wrongTries = { perSecond: 1, burst: 20 };

export interface StreamServerOptions {
  host: string;
  port: number;
  auth: Pick<AuthService, "authenticate">;
  /** By which other processes of the venue are known, which follow what formulas here read there. */
  processKey: ProcessKey;
  limiter: RateLimiter;
  /** What a new connection is told. */
  hello(): Extract<ServerFrame, { type: "hello" }>;
  /** The instrument that a ticker names. Throws `symbol.unknown`. */
  instrumentOf(ticker: string): string;
  client: Omit<ClientParts, "socket" | "format" | "caller" | "log" | "relay">;
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

interface Admitted {
  /** Undefined: another process, on its own behalf. */
  credential: Credential | undefined;
  caller: Omit<Caller, "requestId">;
  /** It is another process of the venue, which asks on behalf of a client. */
  isRelay: boolean;
}

interface Connection {
  transport: Transport;
  session: Session;
  credential: Credential | undefined;
  /** False: it has not answered the last ping. */
  answered: boolean;
  ping(): void;
}

/** The same problem document as the API's, with the headers that belong to it. */
function refusalOf(error: AppError, instance: string): { body: string; headers: Record<string, string> } {
  const { status, code } = error;
  const body = JSON.stringify({
    type: `/api/errors#${code}`,
    title: errorCodes[code].title,
    status,
    detail: error.message,
    instance,
    code,
    retryable: error.retryable,
  });
  const headers: Record<string, string> = { "content-type": "application/problem+json" };
  if (status === 401) headers["www-authenticate"] = 'Bearer realm="tapedeck"';
  if (status === 503 || status === 429) headers["retry-after"] = "1";
  return { body, headers };
}

function refuseHandshake(socket: Duplex, error: AppError): void {
  const { body, headers } = refusalOf(error, "/ws");
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${error.status} ${errorCodes[error.code].title}\r\nconnection: close\r\n${lines.join("")}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
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

/** The address that a request names; "/" where it is none ("//" is the beginning of a host). */
function urlOf(request: IncomingMessage): URL {
  const address = `http://stream${request.url ?? "/"}`;
  return new URL(URL.canParse(address) ? address : "http://stream/");
}

/** The topics of an event stream's address. Throws `payload.invalid`. */
function topicsOf(address: URL): Topic[] {
  const texts = [...new Set(address.searchParams.getAll("topic"))];
  const topics = texts.map((text) => {
    try {
      return parseTopic(text);
    } catch (error) {
      throw new AppError(
        "payload.invalid",
        `There is no topic ${text.slice(0, 100)}; one is written ticks:SYN-A.SIMULATED or bars:SYN-A.SIMULATED:1m.`,
        { cause: error },
      );
    }
  });
  if (topics.length === 0)
    throw new AppError("payload.invalid", "Name at least one topic, such as topic=ticks:SYN-A.SIMULATED.");
  return topics;
}

/** Serves `/ws`, `/ws/stocks/{ticker}`, `/stream` (server-sent events), `/healthz` and `/metrics`. */
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
    handleProtocols: (offered) => [...offered].find((name) => subprotocols.has(name)) ?? false,
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
    if (urlOf(request).pathname === "/stream") {
      serveEvents(request, response);
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

  /** Throws an AppError: the connection is refused. */
  async function admit(request: IncomingMessage, isSocket: boolean): Promise<Admitted> {
    const relayed = request.headers[relayHeader];
    if (!closing && typeof relayed === "string" && options.processKey.isValid(relayed))
      return { credential: undefined, caller: processCaller, isRelay: true };
    if (closing || connections.size >= limits.clients)
      throw new AppError("service.unavailable", "This server has as many connections as it takes.", {
        retryable: true,
      });
    const credential = credentialOf(request.headers, isSocket);
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
    return { credential, caller, isRelay: relayed !== undefined };
  }

  /** What a session of a connection works with. */
  function partsOf({ credential, caller, isRelay }: Admitted): Omit<ClientParts, "socket" | "format"> {
    const relay = isRelay || credential === undefined ? undefined : createRelay(credential, log);
    const limits = credential === undefined ? processLimits(options.client.limits) : options.client.limits;
    return { ...options.client, caller, log, relay, limits };
  }

  /** Counts a connection until what it gives is called. */
  function hold({ caller }: Admitted, connection: Connection): () => void {
    const { principalId } = caller;
    ofOne.set(principalId, (ofOne.get(principalId) ?? 0) + 1);
    connections.add(connection);
    return () => {
      connection.session.stop();
      connections.delete(connection);
      const left = ofOne.get(principalId)! - 1;
      if (left === 0) ofOne.delete(principalId);
      else ofOne.set(principalId, left);
    };
  }

  function openSocket(
    socket: WebSocket,
    admitted: Admitted,
    instrumentId: string | undefined,
    ticker: string,
  ): void {
    const { credential } = admitted;
    const parts = partsOf(admitted);
    const format = subprotocols.get(socket.protocol) ?? "json";
    const transport =
      instrumentId === undefined ? socketTransport(socket, format) : tickerTransport(socket, ticker);
    const session =
      instrumentId === undefined
        ? createStreamClient({ ...parts, socket, format })
        : createSession(transport, parts);
    const connection: Connection = {
      transport,
      session,
      credential,
      answered: true,
      ping() {
        connection.answered = false;
        socket.ping();
      },
    };
    const release = hold(admitted, connection);
    socket.on("pong", () => {
      connection.answered = true;
    });
    socket.on("error", (error) => log.debug({ err: error }, "a connection failed"));
    socket.on("close", release);
    if (instrumentId === undefined) transport.send(options.hello());
    else session.subscribe({ channel: "ticks", instrumentId }, undefined);
  }

  function serveEvents(request: IncomingMessage, response: ServerResponse): void {
    admit(request, false)
      .then((admitted) => {
        const topics = topicsOf(urlOf(request));
        const resumes = resumesOf(request.headers["last-event-id"] as string | undefined, topics.length);
        response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
        const transport = eventTransport(response, topics, resumes);
        const { credential } = admitted;
        const session = createSession(transport, partsOf(admitted));
        const release = hold(admitted, {
          transport,
          session,
          credential,
          answered: true,
          // Nobody answers it: it keeps proxies from closing what is quiet.
          ping: () => response.write(": ping\n\n"),
        });
        response.on("close", release);
        response.on("error", (error) => log.debug({ err: error }, "a connection failed"));
        transport.send(options.hello());
        for (const [i, topic] of topics.entries()) session.subscribe(topic, resumes[i]);
      })
      .catch((thrown: unknown) => {
        const error = asRefusal(thrown);
        if (error.status >= 500) log.warn({ err: error.cause ?? error }, "an event stream was refused");
        const { body, headers } = refusalOf(error, "/api/stream");
        response.writeHead(error.status, headers).end(body);
      });
  }

  /** What a handshake's address stands for. Throws an AppError: the handshake is refused. */
  function targetOf(request: IncomingMessage): { ticker: string; instrumentId: string | undefined } {
    const { pathname } = urlOf(request);
    const ticker = tickerOf(pathname);
    if (ticker !== undefined) return { ticker, instrumentId: options.instrumentOf(ticker) };
    if (pathname !== "/ws")
      throw new AppError("route.unknown", "WebSockets are at /ws and /ws/stocks/{ticker}.");
    return { ticker: "", instrumentId: undefined };
  }

  /** Throws `symbol.unknown`. */
  async function requireTicks(instrumentId: string): Promise<void> {
    const { add, snapshot, holderOf } = options.client;
    await add(instrumentId);
    if (snapshot({ channel: "ticks", instrumentId }) !== undefined) return;
    if ((await holderOf(instrumentId)) === undefined)
      throw new AppError("symbol.unknown", `No ticks come of ${instrumentId} here.`);
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { instrumentId, ticker } = targetOf(request);
    const admitted = await admit(request, true);
    if (instrumentId !== undefined) await requireTicks(instrumentId);
    if (socket.destroyed) return;
    sockets.handleUpgrade(request, socket, head, (opened) =>
      openSocket(opened, admitted, instrumentId, ticker),
    );
  }

  server.on("upgrade", (request, socket, head) => {
    socket.on("error", (error) => log.debug({ err: error }, "a connection failed"));
    upgrade(request, socket, head).catch((thrown: unknown) => {
      const error = asRefusal(thrown);
      if (error.status >= 500) log.warn({ err: error.cause ?? error }, "a handshake was refused");
      refuseHandshake(socket, error);
    });
  });

  const pings = setInterval(() => {
    for (const connection of connections) {
      if (!connection.answered) {
        connection.transport.terminate();
        continue;
      }
      connection.ping();
    }
  }, limits.pingMs);
  const sweeps = setInterval(() => {
    for (const { session } of connections) session.sweep();
  }, limits.sweepMs);
  const rechecks = setInterval(() => {
    for (const { transport, credential } of connections) {
      if (credential === undefined) continue;
      options.auth.authenticate(credential).catch((error: unknown) => {
        // A database that is away says nothing about the credentials.
        if (error instanceof AppError && error.status === 401)
          transport.close(closeCodes.unauthenticated, "credentials not valid any more");
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
      for (const { transport } of connections) transport.close(closeCodes.goingAway, "the server stops");
      const until = performance.now() + 1_000;
      while (connections.size > 0 && performance.now() < until)
        await new Promise((resolve) => setTimeout(resolve, 20));
      for (const { transport } of connections) transport.terminate();
      server.closeAllConnections();
      await closed;
    },
  };
}
