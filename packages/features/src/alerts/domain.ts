import type { AlertRule } from "./contract.ts";

/** What decides whether an alert may fire. */
export interface AlertState {
  armed: boolean;
  /** Event time of the last change of `armed`. */
  stateMs: number;
  /** Event time of the last alert. */
  firedMs: number | null;
}

export interface Observation {
  /** Event time. */
  atMs: number;
  /** Does the condition hold? */
  met: boolean;
  /** May it arm again? Only looked at where `met` is false. */
  clear: boolean;
}

export interface Step {
  state: AlertState;
  fired: boolean;
}

/**
 * One step in event time. An edge, that is the condition holding while armed, disarms; it fires unless it is in the
 * cooldown after the last alert, or past the expiry. What is not later than the last change was looked at before.
 */
export function stepAlert(
  state: AlertState,
  seen: Observation,
  limits: { cooldownMs: number; expiresMs: number | null },
): Step {
  if (seen.atMs <= state.stateMs) return { state, fired: false };
  if (!seen.met) {
    if (state.armed || !seen.clear) return { state, fired: false };
    return { state: { ...state, armed: true, stateMs: seen.atMs }, fired: false };
  }
  if (!state.armed) return { state, fired: false };
  const cooling = state.firedMs !== null && seen.atMs - state.firedMs < limits.cooldownMs;
  const expired = limits.expiresMs !== null && seen.atMs > limits.expiresMs;
  const fired = !cooling && !expired;
  return {
    state: { armed: false, stateMs: seen.atMs, firedMs: fired ? seen.atMs : state.firedMs },
    fired,
  };
}

/** The largest moves of a price within a time before the newest print. */
export interface MoveWindow {
  /** Prints come in the order of their time. The moves as fractions, both at least 0: from the lowest, and from the highest. */
  push(atMs: number, price: number): { up: number; down: number };
}

interface Print {
  atMs: number;
  price: number;
}

/** Prints of [now − windowMs, now]; two queues whose prices rise and fall, so that a print costs constant time. */
export function createMoveWindow(windowMs: number): MoveWindow {
  const lows: Print[] = [];
  const highs: Print[] = [];

  function keep(queue: Print[], print: Print, worse: (kept: number) => boolean): number {
    while (queue.length > 0 && worse(queue.at(-1)!.price)) queue.pop();
    queue.push(print);
    let first = 0;
    while (queue[first]!.atMs < print.atMs - windowMs) first++;
    if (first > 0) queue.splice(0, first);
    return queue[0]!.price;
  }

  return {
    push(atMs, price) {
      const print = { atMs, price };
      const lowest = keep(lows, print, (kept) => kept >= price);
      const highest = keep(highs, print, (kept) => kept <= price);
      return { up: price / lowest - 1, down: 1 - price / highest };
    },
  };
}

/** What an alert is called unless its maker named it. */
export function usualName(instrumentId: string, rule: AlertRule): string {
  return `${instrumentId}: ${describeRule(rule)}`.slice(0, 200);
}

/** What an alert says of its whole rule when it fires, with the name that its maker gave it. */
export function messageOf({
  name,
  instrumentId,
  rule,
}: {
  name: string;
  instrumentId: string;
  rule: AlertRule;
}): string {
  const usual = usualName(instrumentId, rule);
  return name === usual
    ? `${instrumentId}: ${describeRule(rule)}`
    : `${name} – ${instrumentId}: ${describeRule(rule)}`;
}

/** A rule in a few words. */
export function describeRule(rule: AlertRule): string {
  switch (rule.kind) {
    case "price":
      return `price ${rule.direction} ${rule.level}`;
    case "move": {
      const way = rule.direction === "either" ? "" : ` ${rule.direction}`;
      return `${(rule.fraction * 100).toFixed(2)} %${way} within ${rule.windowMs / 1_000} s`;
    }
    case "formula":
      return `${rule.formula} on ${rule.timeframe} bars`;
    case "stale":
      return `no print for ${rule.afterMs / 1_000} s`;
    case "event": {
      const what = rule.kinds === undefined ? "any event" : rule.kinds.join(" or ");
      return `${rule.direction === undefined ? "" : `${rule.direction} `}news of ${what}`;
    }
    case "sentiment":
      return `sentiment ${rule.direction} ${rule.level}`;
  }
}
