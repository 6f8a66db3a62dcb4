/** How messages travel. `send` may fail and may lose; it reconnects by itself. */
export interface BusWire {
  send(messages: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** How often a listening connection is asked whether it lives, and how long the answer may take. */
export const heartbeatMs = 5_000;
export const silenceMs = 3_000;

export function backoffMs(attempt: number): number {
  return Math.min(100 * 2 ** Math.min(attempt, 4), 1_000);
}
