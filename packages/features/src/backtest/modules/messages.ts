import type {
  EngineRun,
  EngineSettings,
  FeatureColumn,
  MarketInstrument,
  StrategyModule,
} from "@tapedeck/trading";
import type { ModuleFailure, ModuleParams } from "./contract.ts";

/** What a module's thread is started with. */
export interface ThreadSetup {
  /** file: address of the module. */
  url: string;
  /** Written by the thread: the instant (from 1) whose decision is being made, `[1]`. */
  reached: Int32Array;
}

export type ToModule =
  | { kind: "prepare"; params: ModuleParams }
  | {
      kind: "run";
      params: ModuleParams;
      instruments: readonly MarketInstrument[];
      settings: EngineSettings;
      columns: Readonly<Record<string, readonly FeatureColumn[]>>;
      seed: number;
      /** Ends with this instant (from 1), without its decision; null: with the data. */
      instants: number | null;
    };

export type FromModule =
  /** The thread has started, and loads the module now. */
  | { kind: "ready" }
  | { kind: "loaded"; facts: Omit<StrategyModule, "create"> }
  | { kind: "prepared"; title: string; features: string[] }
  | { kind: "progress"; done: number; total: number }
  | { kind: "ended"; run: EngineRun; failure: ModuleFailure | null }
  /** It threw outside a decision. */
  | { kind: "threw"; message: string };
