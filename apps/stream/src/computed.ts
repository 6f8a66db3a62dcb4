import { AppError } from "@tapedeck/core";
import { topicKey } from "@tapedeck/features/ticks/contract";
import type { PairValue, Topic } from "@tapedeck/features/ticks/contract";
import { checkFormula, FormulaError, instrumentOfSentiment } from "@tapedeck/formula";
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
  /** Resolves when there is a snapshot. Throws `formula.invalid`, `symbol.unknown` or `rate.limited`. */
  open(topic: ComputedTopic, tenantId: string): Promise<OpenTopic>;
}

export interface OpenTopic {
  /** The tenant, where the values are its alone: a formula reads what its documents say. */
  scope: string | undefined;
  /** The newest values, oldest first. */
  snapshot(): readonly (FormulaValue | PairValue)[];
  release(): void;
}

interface Followed {
  channel: ComputedTopic["channel"];
  /** [outputs] each, by the end of their bar. */
  values: Map<number, Float64Array>;
  ready: Promise<void>;
  isReady: boolean;
  /** Of each tenant. */
  subscribers: Map<string, number>;
  stop(): void;
}

/** Computed at once, of each channel, for all tenants and for one: a pair costs as much as many formulas. */
const most = { formulas: { all: 1_000, tenant: 250 }, pairs: { all: 100, tenant: 25 } } as const;
/** Values that a snapshot holds. */
const keepValues = { formulas: 300, pairs: 100 } as const;

const orNull = (value: number) => (Number.isFinite(value) ? value : null);

function shown(topic: ComputedTopic, closeMs: number, values: Float64Array): FormulaValue | PairValue {
  if (topic.channel === "formulas") return { closeMs, value: orNull(values[0]!) };
  const named = pairOutputs.map((name, i) => [name, orNull(values[i]!)] as const);
  return { closeMs, ...(Object.fromEntries(named) as Omit<PairValue, "closeMs">) };
}

function requestOf(topic: ComputedTopic, tenantId: string): WatchRequest {
  return topic.channel === "formulas"
    ? formulaWatch({ ...topic, tenantId }, [topic.formula])
    : pairWatch(topic, tenantId, keepValues.pairs);
}

/** Names of the other series that a topic reads. Throws FormulaError. */
function namesIn(topic: ComputedTopic): readonly string[] {
  return topic.channel === "pairs" ? [topic.x] : checkFormula(topic.formula).instruments;
}

export function createComputedTopics(options: {
  watches: Watches;
  hub: Hub;
  /** Throws `symbol.unknown` where no process of the venue has, or can take, the instrument that a formula names. */
  require(name: string): Promise<void>;
}): ComputedTopics {
  const { watches, hub } = options;
  const followed = new Map<string, Followed>();
  const counts = { formulas: 0, pairs: 0 };

  function follow(topic: ComputedTopic, tenantId: string, scope: string | undefined): Followed {
    const { channel } = topic;
    const keep = keepValues[channel];
    const request = requestOf(topic, tenantId);
    if (counts[channel] >= most[channel].all)
      throw new AppError(
        "rate.limited",
        `This stream computes ${most[channel].all} ${channel}, which is the most.`,
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
      if (made.isReady) hub.publish(topic, shown(topic, closeMs, now), scope);
    });
    const made: Followed = {
      values,
      ready: watch.ready.then(() => {
        made.isReady = true;
      }),
      isReady: false,
      channel,
      subscribers: new Map(),
      stop() {
        watch.stop();
        counts[channel] -= 1;
        hub.drop(topic, scope);
      },
    };
    counts[channel] += 1;
    return made;
  }

  /** Throws `rate.limited` where a tenant would have more than its share. */
  function checkShare(channel: ComputedTopic["channel"], tenantId: string): void {
    const isTenants = (one: Followed) => one.channel === channel && one.subscribers.has(tenantId);
    if ([...followed.values()].filter(isTenants).length < most[channel].tenant) return;
    throw new AppError(
      "rate.limited",
      `You are subscribed to ${most[channel].tenant} ${channel} in all, which is the most; leave some.`,
    );
  }

  return {
    async open(topic, tenantId) {
      const names = beginOrExplain(() => namesIn(topic));
      const isMarkets = (name: string) => instrumentOfSentiment(name) === undefined;
      const scope = names.every(isMarkets) ? undefined : tenantId;
      const base = topic.channel === "pairs" ? topic.y : topic.instrumentId;
      for (const name of [base, ...names.filter(isMarkets)]) await options.require(name);
      const key = `${scope ?? ""} ${topicKey(topic)}`;
      const known = followed.get(key);
      if (known?.subscribers.has(tenantId) !== true) checkShare(topic.channel, tenantId);
      const one = known ?? beginOrExplain(() => follow(topic, tenantId, scope));
      followed.set(key, one);
      one.subscribers.set(tenantId, (one.subscribers.get(tenantId) ?? 0) + 1);
      await one.ready;
      return {
        scope,
        snapshot: () =>
          [...one.values]
            .toSorted(([a], [b]) => a - b)
            .slice(-keepValues[topic.channel])
            .map(([closeMs, now]) => shown(topic, closeMs, now)),
        release() {
          const left = one.subscribers.get(tenantId)! - 1;
          if (left > 0) one.subscribers.set(tenantId, left);
          else one.subscribers.delete(tenantId);
          if (one.subscribers.size > 0) return;
          one.stop();
          followed.delete(key);
        },
      };
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
