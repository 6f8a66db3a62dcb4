import type { Log } from "@tapedeck/core";
import type { LiveBar, LiveTimeframe } from "@tapedeck/features/ticks/contract";
import type { Relay } from "./relay.ts";

/** Final bars of instruments that another process of the venue has. */
export interface Elsewhere {
  /** Hands on an instrument's bars, those of the snapshot too, while it is not here, until what it gives is called. */
  follow(instrumentId: string, timeframe: LiveTimeframe): () => void;
  stop(): void;
}

export interface ElsewhereOptions {
  relay: Relay;
  /** The address of the other process that has an instrument; undefined where none is known, or it is here. */
  holderOf(instrumentId: string): Promise<string | undefined>;
  has(instrumentId: string): boolean;
  /** Final bars, oldest first; some of them may be known. */
  take(bars: readonly LiveBar[]): void;
  log: Log;
  /** How often instruments that nobody hands on are looked for. */
  everyMs: number;
}

interface Followed {
  instrumentId: string;
  timeframe: LiveTimeframe;
  /** Ends what another process hands on. */
  leave: (() => void) | undefined;
}

export function createElsewhere(options: ElsewhereOptions): Elsewhere {
  const { relay, has, log } = options;
  const followed = new Set<Followed>();

  async function look(one: Followed): Promise<void> {
    const { instrumentId, timeframe } = one;
    if (has(instrumentId)) {
      one.leave?.();
      one.leave = undefined;
      return;
    }
    if (one.leave !== undefined) return;
    const address = await options.holderOf(instrumentId);
    if (address === undefined || one.leave !== undefined || !followed.has(one)) return;
    one.leave = relay.follow(address, { channel: "bars", instrumentId, timeframe }, undefined, {
      frame(frame) {
        if (frame.type === "resumed") return;
        const bars = (frame.type === "snapshot" ? frame.data : [frame.data]) as LiveBar[];
        options.take(bars.filter((bar) => bar.final));
      },
      lost() {
        one.leave = undefined;
      },
    });
  }

  const lookSoon = (one: Followed) =>
    void look(one).catch((error: unknown) =>
      log.debug({ err: error, instrumentId: one.instrumentId }, "an instrument was not looked for"),
    );
  const timer = setInterval(() => {
    for (const one of followed) lookSoon(one);
  }, options.everyMs);

  return {
    follow(instrumentId, timeframe) {
      const one: Followed = { instrumentId, timeframe, leave: undefined };
      followed.add(one);
      lookSoon(one);
      return () => {
        followed.delete(one);
        one.leave?.();
      };
    },
    stop() {
      clearInterval(timer);
      followed.clear();
      relay.stop();
    },
  };
}
