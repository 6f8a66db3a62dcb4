import type { IncomingMessage, Server } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { AppError, newId } from "@tapedeck/core";
import type { Log } from "@tapedeck/core";
import { problemOf } from "./problem.ts";

const connectMs = 3_000;
/** Set anew for each hop, or told by us alone. */
const own = new Set(["x-forwarded-for"]);

export interface StreamProxy {
  /** Open WebSockets that go through this process. */
  open(): number;
  /** Ends them: clients come back to another replica. */
  close(): void;
}

export interface StreamProxyOptions {
  /** Where the stream listens, http. */
  streamUrl: string;
  /** Take the client's address from X-Forwarded-For: only behind a proxy that sets it. */
  trustProxy: boolean;
  now(): number;
  log: Log;
}

/** Is this a WebSocket for the stream? All else is answered as plain HTTP. */
export function isStreamHandshake(request: IncomingMessage): boolean {
  return (
    request.method === "GET" &&
    /^\/ws(\/stocks\/[^/]+)?$/.test((request.url ?? "/").split("?", 1)[0]!) &&
    /^websocket$/i.test(request.headers.upgrade ?? "")
  );
}

function refuseAway(socket: Duplex, requestId: string): void {
  const error = new AppError("service.unavailable", "The live stream does not answer; try again shortly.", {
    retryable: true,
  });
  const body = JSON.stringify(problemOf(error, requestId, "/ws"));
  socket.end(
    `HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-type: application/problem+json\r\nx-request-id: ${requestId}\r\nretry-after: 1\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** The handshake as the client sent it, with its address as this server knows it. */
function handshakeOf(request: IncomingMessage, trustProxy: boolean): string {
  const lines = [`GET ${request.url} HTTP/1.1`];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i]!;
    if (!own.has(name.toLowerCase())) lines.push(`${name}: ${request.rawHeaders[i + 1]}`);
  }
  const forwarded = request.headers["x-forwarded-for"];
  const told = trustProxy && typeof forwarded === "string" ? forwarded.split(",").at(-1)!.trim() : "";
  lines.push(`x-forwarded-for: ${told === "" ? (request.socket.remoteAddress ?? "unknown") : told}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/**
 * Hands WebSockets at `/ws` and below on to the stream, byte for byte, so that there is one origin: the stream checks the
 * credentials. 503 while it is away.
 */
export function proxyStream(server: Server, options: StreamProxyOptions): StreamProxy {
  const { hostname, port } = new URL(options.streamUrl);
  const open = new Set<Duplex>();

  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const requestId = newId(options.now());
    socket.on("error", () => undefined);
    const upstream = connect({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: port === "" ? 80 : Number(port),
      noDelay: true,
    });
    let connected = false;
    const away = (cause: unknown) => {
      upstream.destroy();
      if (connected) {
        socket.destroy();
        return;
      }
      connected = true;
      options.log.warn({ err: cause, requestId }, "the stream does not answer");
      refuseAway(socket, requestId);
    };
    const timer = setTimeout(() => away(new Error(`no connection in ${connectMs} ms`)), connectMs);
    upstream.on("error", (error) => {
      clearTimeout(timer);
      away(error);
    });
    upstream.once("connect", () => {
      clearTimeout(timer);
      connected = true;
      upstream.write(handshakeOf(request, options.trustProxy));
      if (head.length > 0) upstream.write(head);
      // Backpressure goes through both pipes: a slow client is slow at the stream too, which looks after it.
      upstream.pipe(socket);
      socket.pipe(upstream);
    });
    open.add(socket);
    socket.on("close", () => {
      clearTimeout(timer);
      open.delete(socket);
      upstream.destroy();
    });
    upstream.on("close", () => socket.end());
  });

  return {
    open: () => open.size,
    close() {
      for (const socket of open) socket.destroy();
    },
  };
}
