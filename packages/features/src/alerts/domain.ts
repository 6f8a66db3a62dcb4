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
  /** Prints may come in any order; of those of one time the one that comes last is the newest. */
  take(atMs: number, price: number): void;
  /** To the newest print, as fractions of at least 0: from the lowest, and from the highest. Throws before the first print. */
  moves(): { newest: Print; up: number; down: number };
}

export interface Print {
  /** Event time. */
  atMs: number;
  price: number;
}

/** Prints of [newest − windowMs, newest]; two queues whose prices rise and fall, so that a print costs constant time. */
export function createMoveWindow(windowMs: number): MoveWindow {
  const lows: Print[] = [];
  const highs: Print[] = [];

  /** Only what no later print surpasses is kept: the newest is the last, and the most extreme the first. */
  function keep(queue: Print[], print: Print, surpasses: (price: number, other: number) => boolean): void {
    const later: Print[] = [];
    while (queue.length > 0 && queue.at(-1)!.atMs > print.atMs) later.push(queue.pop()!);
    if (later.length === 0 || !surpasses(later.at(-1)!.price, print.price)) {
      while (queue.length > 0 && surpasses(print.price, queue.at(-1)!.price)) queue.pop();
      queue.push(print);
    }
    while (later.length > 0) queue.push(later.pop()!);
    const firstMs = queue.at(-1)!.atMs - windowMs;
    let first = 0;
    while (queue[first]!.atMs < firstMs) first++;
    if (first > 0) queue.splice(0, first);
  }

  return {
    take(atMs, price) {
      const print = { atMs, price };
      keep(lows, print, (one, other) => one <= other);
      keep(highs, print, (one, other) => one >= other);
    },
    moves() {
      const newest = lows.at(-1)!;
      return { newest, up: newest.price / lows[0]!.price - 1, down: 1 - newest.price / highs[0]!.price };
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
