import * as z from "zod";

let lastMs = 0;
let sequence = 0;

const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
/** Random bytes for hundreds of ids at a time: asking for eight costs as much as asking for 4096. */
const entropy = new Uint8Array(4_096);
let spent = entropy.length;
/** Eight for the id, two for where its millisecond begins to count. */
const bytesPerId = 10;

/**
 * UUIDv7 (RFC 9562): 48 bits of ms UTC, then a 12-bit counter that keeps ids of one process in order
 * within a millisecond, then 62 random bits. Sorts by creation time; never all digits, never holds ":".
 */
export function newId(nowMs: number): string {
  if (spent + bytesPerId > entropy.length) {
    crypto.getRandomValues(entropy);
    spent = 0;
  }
  const at = spent;
  spent += bytesPerId;
  if (nowMs > lastMs) {
    lastMs = nowMs;
    sequence = ((entropy[at + 8]! << 8) | entropy[at + 9]!) & 0x3ff;
  } else if (++sequence > 0xfff) {
    lastMs++;
    sequence = 0;
  }
  const time = Math.floor(lastMs).toString(16).padStart(12, "0");
  const random = (index: number) => hexOf[entropy[at + index]!]!;
  const variant = hexOf[(entropy[at]! & 0x3f) | 0x80]!;
  const head = `${time.slice(0, 8)}-${time.slice(8)}-7${sequence.toString(16).padStart(3, "0")}-${variant}${random(1)}`;
  return `${head}-${random(2)}${random(3)}${random(4)}${random(5)}${random(6)}${random(7)}`;
}

/** A row id. */
export const Id = z.uuid().meta({ description: "UUID" });

const instrumentPattern = /^[A-Z0-9^][A-Z0-9._^/-]{0,39}\.[A-Z][A-Z0-9_]{1,19}$/;

/** `SYMBOL.VENUE`, upper case: `SPY.XNYS`, `BTC-USDT.BINANCE`. The venue is what follows the last dot. */
export const InstrumentId = z
  .string()
  .regex(instrumentPattern, "an instrument is SYMBOL.VENUE in capitals, such as SPY.XNYS")
  .meta({ description: "SYMBOL.VENUE", examples: ["SPY.XNYS"] });

/** What a person may type for an instrument: an id, or a bare symbol that resolves when it is unique. */
export const InstrumentRef = z
  .string()
  .trim()
  .min(1)
  .max(61)
  .meta({
    description: "An instrument id (SYMBOL.VENUE), or a symbol that only one venue has",
    examples: ["SPY.XNYS", "SPY"],
    format: "instrument",
  });

export function splitInstrumentId(id: string): { symbol: string; venue: string } {
  const at = id.lastIndexOf(".");
  return { symbol: id.slice(0, at), venue: id.slice(at + 1) };
}
