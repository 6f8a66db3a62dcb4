import type { Instrument } from "@tapedeck/features/series/contract";

/** A print as a venue tells it, before it is checked and numbered. */
export interface VenueTick {
  instrumentId: string;
  eventMs: number;
  price: number;
  size: number;
  side: "buy" | "sell";
}

/** Where ticks come from. */
export interface TickSource {
  readonly venue: string;
  /** True: made up by this program. */
  readonly simulated: boolean;
  readonly seed: number | null;
  readonly instruments: readonly Instrument[];
  start(onTick: (tick: VenueTick) => void): void;
  stop(): void;
}
