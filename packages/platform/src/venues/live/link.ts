import type { Log } from "@tapedeck/core";
import WebSocket from "ws";

export interface LinkTimes {
  /** Without a frame for this long a connection is taken for dead; half-way it is asked by a ping. */
  idleMs: number;
  /** Age at which a connection is replaced, before the venue ends it. */
  lifeMs: number;
  /** How long the old connection goes on beside the new one. */
  overlapMs: number;
  /** First pause before connecting again; doubled each time up to `maxPauseMs`, and between half and all of it is waited. */
  pauseMs: number;
  maxPauseMs: number;
  /** Between two frames that are sent: venues take only so many a second. */
  frameGapMs: number;
}

export const defaultLinkTimes: LinkTimes = {
  idleMs: 30_000,
  lifeMs: 23 * 3_600_000,
  overlapMs: 5_000,
  pauseMs: 500,
  maxPauseMs: 30_000,
  frameGapMs: 250,
};

export interface LinkOptions {
  url: string;
  times: LinkTimes;
  /** What to send on a new connection, one after the other. */
  greeting(): readonly string[];
  /** `connection` counts them: two are open while one changes over. */
  onMessage(text: string, connection: number): void;
  /** A connection is open and told what to send. */
  onLive(): void;
  /** No connection is left. */
  onDown(reason: string): void;
  random(): number;
  log: Log;
}

/** A WebSocket that is kept open: connects again after a loss, and changes over with an overlap before it is too old. */
export interface Link {
  /** Replaces the connection by a new one, with an overlap. */
  renew(): void;
  /** Sends frames on every open connection; one that opens later says its greeting only. */
  tell(frames: readonly string[]): void;
  stop(): void;
}

/** Bytes of one frame of a venue; a larger one ends the connection. */
const maxFrameBytes = 4_194_304;

export function openLink(options: LinkOptions): Link {
  const { times, log } = options;
  /** What each connection still has to send. */
  const sockets = new Map<WebSocket, string[]>();
  const timers = new Set<NodeJS.Timeout>();
  let connections = 0;
  let failures = 0;
  let stopped = false;
  let reconnecting = false;

  function later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, ms);
    timers.add(timer);
  }

  function pauseAfter(failed: number): number {
    const ceiling = Math.min(times.maxPauseMs, times.pauseMs * 2 ** Math.min(failed, 16));
    return ceiling * (0.5 + 0.5 * options.random());
  }

  function reconnect(): void {
    if (stopped || reconnecting) return;
    reconnecting = true;
    later(pauseAfter(failures), () => {
      reconnecting = false;
      connect();
    });
    failures += 1;
  }

  function sendNext(socket: WebSocket): void {
    const outbox = sockets.get(socket);
    const first = outbox?.[0];
    if (first === undefined || socket.readyState !== WebSocket.OPEN) return;
    socket.send(first);
    later(times.frameGapMs, () => {
      outbox!.shift();
      sendNext(socket);
    });
  }

  function tell(socket: WebSocket, frames: readonly string[]): void {
    const outbox = sockets.get(socket)!;
    const idle = outbox.length === 0;
    outbox.push(...frames);
    if (idle) sendNext(socket);
  }

  /** `replaced` is closed once the new connection has been open for a while; `failed`: tries so far to replace it. */
  function connect(replaced?: WebSocket, failed = 0): void {
    if (stopped) return;
    const socket = new WebSocket(options.url, {
      handshakeTimeout: times.idleMs,
      maxPayload: maxFrameBytes,
      perMessageDeflate: false,
    });
    sockets.set(socket, []);
    const connection = ++connections;
    let heardMs = performance.now();
    let reason = "the connection ended";
    const heard = () => {
      heardMs = performance.now();
    };
    const watch = setInterval(() => {
      const silentMs = performance.now() - heardMs;
      if (silentMs > times.idleMs) {
        reason = `nothing was heard for ${Math.round(silentMs)} ms`;
        socket.terminate();
      } else if (silentMs > times.idleMs / 2 && socket.readyState === WebSocket.OPEN) socket.ping();
    }, times.idleMs / 4);
    socket.on("ping", heard);
    socket.on("pong", heard);
    socket.on("message", (data, isBinary) => {
      heard();
      failures = 0;
      options.onMessage(isBinary ? "" : (data as Buffer).toString(), connection);
    });
    socket.on("error", (error) => {
      reason = error.message;
    });
    socket.on("open", () => {
      tell(socket, options.greeting());
      options.onLive();
      if (replaced !== undefined)
        later(times.overlapMs, () => {
          if (sockets.has(socket)) replaced.close();
        });
      later(times.lifeMs * (0.95 + 0.05 * options.random()), () => {
        if (sockets.has(socket)) connect(socket);
      });
    });
    socket.on("close", () => {
      clearInterval(watch);
      sockets.delete(socket);
      if (stopped) return;
      if (replaced !== undefined && sockets.has(replaced)) {
        log.info({ reason }, "a venue's connection was not replaced; tried again");
        later(pauseAfter(failed), () => {
          if (sockets.has(replaced)) connect(replaced, failed + 1);
        });
        return;
      }
      if (sockets.size > 0) return;
      log.info({ reason }, "a venue's connection was lost; connecting again");
      options.onDown(reason);
      reconnect();
    });
  }

  connect();
  return {
    renew() {
      for (const socket of sockets.keys()) {
        if (socket.readyState === WebSocket.OPEN) {
          connect(socket);
          return;
        }
      }
    },
    tell(frames) {
      for (const socket of sockets.keys()) if (socket.readyState === WebSocket.OPEN) tell(socket, frames);
    },
    stop() {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
      for (const socket of sockets.keys()) socket.terminate();
    },
  };
}
