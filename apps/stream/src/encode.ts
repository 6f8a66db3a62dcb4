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
  /** By format; filled by `encodeMessage`. */
  readonly encoded: Map<Format, Buffer>;
}

export function encodeMessage(message: Message, format: Format): Buffer {
  const known = message.encoded.get(format);
  if (known !== undefined) return known;
  const { topic, seq, data } = message;
  const made = encodeFrame({ type: "delta", ...topic, seq, data }, format);
  message.encoded.set(format, made);
  return made;
}
