import { AppError } from "@tapedeck/core";
import type { Topic } from "@tapedeck/features/ticks/contract";
import { FormulaError } from "@tapedeck/formula";
import type { Hub } from "./hub.ts";
import type { Watches } from "./watch.ts";

export type FormulaTopic = Extract<Topic, { channel: "formulas" }>;

/** A formula's value at a bar's end; null where it is not defined, 0 or 1 for a condition. */
export interface FormulaValue {
  closeMs: number;
  value: number | null;
}

/** Formulas that clients subscribe to, each evaluated once however many do. */
export interface LiveFormulas {
  /** Resolves when there is a snapshot; gives what ends the subscription. Throws `formula.invalid`, `symbol.unknown` or `rate.limited`. */
  open(topic: FormulaTopic): Promise<() => void>;
  /** The newest values, oldest first. */
  snapshot(topic: FormulaTopic): readonly FormulaValue[];
}

interface Followed {
  values: Map<number, number>;
  ready: Promise<void>;
  isReady: boolean;
  subscribers: number;
  stop(): void;
}

/** Formulas at once. */
const maxFormulas = 1_000;
/** Values that a snapshot holds. */
const keepValues = 300;

const keyOf = ({ instrumentId, timeframe, formula }: FormulaTopic) =>
  `${instrumentId} ${timeframe} ${formula}`;
const shown = (closeMs: number, value: number): FormulaValue => ({
  closeMs,
  value: Number.isNaN(value) ? null : value,
});

export function createLiveFormulas(options: {
  watches: Watches;
  hub: Hub;
  has(instrumentId: string): boolean;
}): LiveFormulas {
  const { watches, hub } = options;
  const followed = new Map<string, Followed>();

  function follow(topic: FormulaTopic): Followed {
    if (!options.has(topic.instrumentId))
      throw new AppError("symbol.unknown", `No ticks come of ${topic.instrumentId} here.`);
    if (followed.size >= maxFormulas)
      throw new AppError("rate.limited", `This stream evaluates ${maxFormulas} formulas, which is the most.`);
    const values = new Map<number, number>();
    const { instrumentId, timeframe, formula } = topic;
    try {
      const watch = watches.open({ instrumentId, timeframe, formulas: [formula] }, (closeMs, [value]) => {
        // A correction tells all values again.
        if (Object.is(values.get(closeMs), value)) return;
        values.set(closeMs, value!);
        if (values.size > 2 * keepValues)
          for (const old of [...values.keys()].slice(0, keepValues)) values.delete(old);
        if (made.isReady) hub.publish(topic, shown(closeMs, value!));
      });
      const unknown = watch.instruments.find((id) => !options.has(id));
      if (unknown !== undefined) {
        watch.stop();
        throw new AppError("symbol.unknown", `No ticks come of ${unknown} here.`);
      }
      const made: Followed = {
        values,
        ready: watch.ready.then(() => {
          made.isReady = true;
        }),
        isReady: false,
        subscribers: 0,
        stop: watch.stop,
      };
      return made;
    } catch (error) {
      if (!(error instanceof FormulaError)) throw error;
      throw new AppError("formula.invalid", `${error.message} (column ${error.column})`);
    }
  }

  return {
    async open(topic) {
      const key = keyOf(topic);
      const one = followed.get(key) ?? follow(topic);
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
      const values = followed.get(keyOf(topic))?.values ?? new Map<number, number>();
      return [...values]
        .toSorted(([a], [b]) => a - b)
        .slice(-keepValues)
        .map(([closeMs, value]) => shown(closeMs, value));
    },
  };
}
