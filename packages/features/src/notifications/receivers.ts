import { AppError } from "@tapedeck/core";
import type { Mailer } from "@tapedeck/core";
import type { Post } from "./post.ts";

/** Makes no calls for a while after too many in a row without an answer; then one that decides. */
interface Breaker {
  state(): "closed" | "open" | "half-open";
  /** Throws `service.unavailable` while open, and what the call throws. */
  call<T>(work: () => Promise<T>): Promise<T>;
}

/** Who is called, and how many messages are on their way there. */
export interface Receiver {
  breaker: Breaker;
  underWay: number;
}

/** Messages on their way to one receiver. */
const atOnce = 4;
/** Calls in a row without an answer that hold the next ones back, and for how long. */
const failures = 5;
const openMs = 30_000;
/** Receivers that are remembered. */
const most = 1_000;

function createBreaker(now: () => number): Breaker {
  let failed = 0;
  let openedMs: number | undefined;
  let lastError = "";

  function state(): "closed" | "open" | "half-open" {
    if (openedMs === undefined) return "closed";
    return now() - openedMs >= openMs ? "half-open" : "open";
  }

  return {
    state,
    async call(work) {
      if (state() === "open")
        throw new AppError("service.unavailable", `Calls are held back: ${lastError}.`, { retryable: true });
      try {
        const result = await work();
        failed = 0;
        openedMs = undefined;
        return result;
      } catch (error) {
        failed += 1;
        lastError = error instanceof Error ? error.message : String(error);
        if (failed >= failures) openedMs = now();
        throw error;
      }
    },
  };
}

/** Receivers by name, each with a breaker of its own. */
export function createReceivers(now: () => number): (name: string) => Receiver {
  const receivers = new Map<string, Receiver>();
  return (name) => {
    const found = receivers.get(name) ?? { breaker: createBreaker(now), underWay: 0 };
    // The one asked for longest ago comes first.
    receivers.delete(name);
    receivers.set(name, found);
    if (receivers.size > most) {
      const [idle] = [...receivers].find(([, { underWay }]) => underWay === 0) ?? [];
      if (idle !== undefined) receivers.delete(idle);
    }
    return found;
  };
}

/** May no more go there now? While calls are held back a message fails at once, and takes no place. */
export function isFull({ breaker, underWay }: Receiver): boolean {
  const state = breaker.state();
  return state !== "open" && underWay >= (state === "half-open" ? 1 : atOnce);
}

/** Calls through the breaker. A refusal of this one message is an answer; a fault of the server (5xx) is none. */
export function guardedPost({ breaker }: Receiver, post: Post): Post {
  return (url, headers, body) =>
    breaker.call(async () => {
      const status = await post(url, headers, body);
      if (status >= 500) throw new AppError("service.unavailable", `the receiver answered ${status}`);
      return status;
    });
}

/** Mails through the breaker. A mail that the server refuses says nothing about the next one. */
export function guardedMail({ breaker }: Receiver, mail: Mailer): Mailer {
  return {
    async send(message) {
      const refusal = await breaker.call(() =>
        mail.send(message).then(
          () => undefined,
          (error: unknown) => {
            if (error instanceof AppError && error.code === "payload.invalid") return error;
            throw error;
          },
        ),
      );
      if (refusal !== undefined) throw refusal;
    },
  };
}
