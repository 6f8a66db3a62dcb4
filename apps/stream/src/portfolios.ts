import type { Log } from "@tapedeck/core";
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
  let looking = false;

  async function lookAgain(): Promise<void> {
    for (const [tenantId, one] of followed) {
      const shown = await load(tenantId);
      if (isSame(shown, one.shown)) continue;
      one.shown = shown;
      hub.publish(topic, shown, tenantId);
    }
  }
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    lookAgain()
      .catch((error: unknown) => log.debug({ err: error }, "portfolios were not read; tried again"))
      .finally(() => {
        looking = false;
      });
  }, options.everyMs);

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
    close: () => clearInterval(timer),
  };
}
