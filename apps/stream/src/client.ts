import { decode } from "@msgpack/msgpack";
import { ClientFrame } from "@tapedeck/features/ticks/contract";
import type { RawData, WebSocket } from "ws";
import { encodeFrame, encodeMessage } from "./encode.ts";
import type { Format } from "./encode.ts";
import { closeCodes, createSession, defaultSessionLimits } from "./session.ts";
import type { Session, SessionLimits, SessionParts, Transport } from "./session.ts";

export interface ClientLimits extends SessionLimits {
  /** Malformed frames until the connection is closed. */
  malformedFrames: number;
  framesPerSecond: number;
  framesBurst: number;
}

export const defaultLimits: ClientLimits = {
  ...defaultSessionLimits,
  malformedFrames: 20,
  framesPerSecond: 50,
  framesBurst: 200,
};

export interface ClientParts extends SessionParts {
  socket: WebSocket;
  format: Format;
  limits: ClientLimits;
}

/** Subprotocols of a handshake and the format that each stands for. */
export const subprotocols: ReadonlyMap<string, Format> = new Map([
  ["tapedeck.json", "json"],
  ["tapedeck.msgpack", "msgpack"],
]);

/** A WebSocket whose frames are of one format, in both directions. */
export function socketTransport(socket: WebSocket, format: Format): Transport {
  const options = { binary: format === "msgpack" };
  return {
    isOpen: () => socket.readyState === socket.OPEN,
    unread: () => socket.bufferedAmount,
    send: (frame) => socket.send(encodeFrame(frame, format), options),
    deliver: (message) => socket.send(encodeMessage(message, format), options),
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
  };
}

/** The value of a frame; undefined where it is not of the format. */
function parseFrame(data: Buffer, isBinary: boolean, format: Format): unknown {
  if (isBinary !== (format === "msgpack")) return undefined;
  try {
    return format === "msgpack" ? decode(data) : JSON.parse(data.toString());
  } catch {
    return undefined;
  }
}

/** One connection: reads its frames, within limits, into a session. */
export function createStreamClient(parts: ClientParts): Session {
  const { socket, format, limits, now } = parts;
  const transport = socketTransport(socket, format);
  const session = createSession(transport, parts);
  let malformed = 0;
  let tokens = limits.framesBurst;
  let tokensMs = now();

  function handle(frame: ClientFrame): void {
    if (frame.op === "ping") transport.send({ type: "pong", atMs: now() });
    else if (frame.op === "unsubscribe") session.unsubscribe(frame.topic);
    else session.subscribe(frame.topic, frame.resume);
  }

  function refuse(message: string): void {
    malformed += 1;
    if (malformed > limits.malformedFrames) return;
    transport.send({ type: "error", code: "request.malformed", message });
    if (malformed === limits.malformedFrames) socket.close(closeCodes.policy, "too many malformed frames");
  }

  function takeToken(): boolean {
    const nowMs = now();
    const refill = (Math.max(0, nowMs - tokensMs) / 1_000) * limits.framesPerSecond;
    tokens = Math.min(limits.framesBurst, tokens + refill);
    tokensMs = nowMs;
    tokens -= 1;
    return tokens >= 0;
  }

  socket.on("message", (data: RawData, isBinary: boolean) => {
    if (malformed >= limits.malformedFrames) return;
    if (!takeToken()) return socket.close(closeCodes.policy, "too many frames");
    const value = parseFrame(data as Buffer, isBinary, format);
    if (value === undefined)
      return refuse(
        format === "json" ? "The frame is not JSON text." : "The frame is not one value of MessagePack.",
      );
    const parsed = ClientFrame.safeParse(value);
    if (parsed.success) handle(parsed.data);
    else
      refuse(
        'The frame is none of those that are known, such as {"op":"subscribe","channel":"ticks","instrumentId":"SYN-A.SIMULATED"}.',
      );
  });
  return session;
}
