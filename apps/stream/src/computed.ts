import { AppError } from "@tapedeck/core";
import { topicKey } from "@tapedeck/features/ticks/contract";
import type { PairValue, Topic } from "@tapedeck/features/ticks/contract";
import { FormulaError } from "@tapedeck/formula";
import type { Hub } from "./hub.ts";
import { pairOutputs, pairWatch } from "./pairs.ts";
import { formulaWatch } from "./watch.ts";
import type { Watches, WatchRequest } from "./watch.ts";

/** Topics that are computed while somebody is subscribed. */
export type ComputedTopic = Extract<Topic, { channel: "formulas" | "pairs" }>;

/** A formula's value at a bar's end; null where it is not defined, 0 or 1 for a condition. */
export interface FormulaValue {
  closeMs: number;
  value: number | null;
}

/** Formulas and pairs that clients subscribe to, each computed once however many do. */
export interface ComputedTopics {
  /** Resolves when there is a snapshot; gives what ends the subscription. Throws `formula.invalid`, `symbol.unknown` or `rate.limited`. */
  open(topic: ComputedTopic): Promise<() => void>;
  /** The newest values, oldest first. */
  snapshot(topic: ComputedTopic): readonly (FormulaValue | PairValue)[];
}

interface Followed {
  /** [outputs] each, by the end of their bar. */
  values: Map<number, Float64Array>;
  ready: Promise<void>;
  isReady: boolean;
  subscribers: number;
  stop(): void;
}

/** Computed at once, of each channel: a pair costs as much as many formulas. */
const most = { formulas: 1_000, pairs: 100 } as const;
/** Values that a snapshot holds. */
const keepValues = { formulas: 300, pairs: 100 } as const;

const orNull = (value: number) => (Number.isFinite(value) ? value : null);

function shown(topic: ComputedTopic, closeMs: number, values: Float64Array): FormulaValue | PairValue {
  if (topic.channel === "formulas") return { closeMs, value: orNull(values[0]!) };
  const named = pairOutputs.map((name, i) => [name, orNull(values[i]!)] as const);
  return { closeMs, ...(Object.fromEntries(named) as Omit<PairValue, "closeMs">) };
}

function requestOf(topic: ComputedTopic): WatchRequest {
  return topic.channel === "formulas"
    ? formulaWatch(topic.instrumentId, topic.timeframe, [topic.formula])
    : pairWatch(topic, keepValues.pairs);
}

export function createComputedTopics(options: {
  watches: Watches;
  hub: Hub;
  has(instrumentId: string): boolean;
}): ComputedTopics {
  const { watches, hub } = options;
  const followed = new Map<string, Followed>();
  const counts = { formulas: 0, pairs: 0 };

  function refuseUnknown(instrumentIds: readonly string[]): void {
    const unknown = instrumentIds.find((id) => !options.has(id));
    if (unknown !== undefined) throw new AppError("symbol.unknown", `No ticks come of ${unknown} here.`);
  }

  function follow(topic: ComputedTopic): Followed {
    const { channel } = topic;
    const keep = keepValues[channel];
    const request = requestOf(topic);
    refuseUnknown([request.instrumentId]);
    if (counts[channel] >= most[channel])
      throw new AppError(
        "rate.limited",
        `This stream computes ${most[channel]} ${channel}, which is the most.`,
      );
    const values = new Map<number, Float64Array>();
    const watch = watches.open(request, (closeMs, now) => {
      const before = values.get(closeMs);
      // A correction tells all values again.
      if (before?.every((value, i) => Object.is(value, now[i])) === true) return;
      // Pairs pass over bars that one of the two does not have.
      if (channel === "pairs" && now.every(Number.isNaN)) return;
      values.set(closeMs, now.slice());
      if (values.size > 2 * keep) for (const old of [...values.keys()].slice(0, keep)) values.delete(old);
      if (made.isReady) hub.publish(topic, shown(topic, closeMs, now));
    });
    try {
      refuseUnknown(watch.instruments);
    } catch (error) {
      watch.stop();
      throw error;
    }
    const made: Followed = {
      values,
      ready: watch.ready.then(() => {
        made.isReady = true;
      }),
      isReady: false,
      subscribers: 0,
      stop() {
        watch.stop();
        counts[channel] -= 1;
        hub.drop(topic);
      },
    };
    counts[channel] += 1;
    return made;
  }

  return {
    async open(topic) {
      const key = topicKey(topic);
      const one = followed.get(key) ?? beginOrExplain(() => follow(topic));
      followed.set(key, one);
      one.subscribers += 1;
      await one.ready;
      return () => {
        one.subscribers -= 1;
        if (one.subscribers > 0) return;
        one.stop();
        followed.delete(key);
      };
    },
    snapshot(topic) {
      const values = followed.get(topicKey(topic))?.values ?? new Map<number, Float64Array>();
      return [...values]
        .toSorted(([a], [b]) => a - b)
        .slice(-keepValues[topic.channel])
        .map(([closeMs, now]) => shown(topic, closeMs, now));
    },
  };
}

/** A formula that is wrong, as clients are told. */
function beginOrExplain<T>(begin: () => T): T {
  try {
    return begin();
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
    throw new AppError("formula.invalid", `${error.message} (column ${error.column})`);
  }
}
