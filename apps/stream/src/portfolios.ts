import type { Log } from "@tapedeck/core";
import { createLoop } from "@tapedeck/core/loop";
import type { Portfolio } from "@tapedeck/features/orders/contract";
import type * as z from "zod";
import type { Hub } from "./hub.ts";

type PortfolioView = z.output<typeof Portfolio>;

/** The accounts of tenants whose clients ask for them, looked at again as prices move. */
export interface LivePortfolios {
  /** Resolves when there is a snapshot; gives what ends the subscription. */
  follow(tenantId: string): Promise<() => void>;
  snapshot(tenantId: string): PortfolioView | undefined;
  close(): void;
}

interface Followed {
  shown: PortfolioView;
  followers: number;
}

export function createLivePortfolios(options: {
  load(tenantId: string): Promise<PortfolioView>;
  hub: Hub;
  log: Log;
  everyMs: number;
}): LivePortfolios {
  const { load, hub, log } = options;
  const followed = new Map<string, Followed>();
  const topic = { channel: "portfolio" } as const;
  const isSame = (a: PortfolioView, b: PortfolioView) =>
    JSON.stringify(a.accounts) === JSON.stringify(b.accounts);

  async function lookAgain(): Promise<void> {
    for (const [tenantId, one] of followed) {
      const shown = await load(tenantId);
      if (isSame(shown, one.shown)) continue;
      one.shown = shown;
      hub.publish(topic, shown, tenantId);
    }
  }
  const loop = createLoop({
    work: lookAgain,
    everyMs: options.everyMs,
    log,
    failure: "portfolios were not read; tried again",
  });
  loop.start();

  return {
    async follow(tenantId) {
      const shown = await load(tenantId);
      const one = followed.get(tenantId) ?? { shown, followers: 0 };
      one.followers += 1;
      followed.set(tenantId, one);
      return () => {
        one.followers -= 1;
        if (one.followers > 0) return;
        followed.delete(tenantId);
        hub.drop(topic, tenantId);
      };
    },
    snapshot: (tenantId) => followed.get(tenantId)?.shown,
    close: () => void loop.stop(),
  };
}
