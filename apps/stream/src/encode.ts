import { Encoder } from "@msgpack/msgpack";
import type { ServerFrame, Topic } from "@tapedeck/features/ticks/contract";

/** How frames are written: JSON text, or MessagePack. */
export type Format = "json" | "msgpack";

const encoder = new Encoder({ ignoreUndefined: true });

export function encodeFrame(frame: ServerFrame, format: Format): Buffer {
  if (format === "json") return Buffer.from(JSON.stringify(frame));
  return Buffer.from(encoder.encode(frame).buffer);
}

/** A delta of a topic. Each form that somebody reads is made once, however many do, and kept with it. */
export interface Message {
  readonly seq: number;
  readonly topic: Topic;
  readonly data: unknown;
  /** Filled by `encodeMessage`. */
  encoded: { [F in Format]: Buffer | undefined };
}

export function encodeMessage({ encoded, topic, seq, data }: Message, format: Format): Buffer {
  return (encoded[format] ??= encodeFrame({ type: "delta", ...topic, seq, data }, format));
}
