import type {
  EngineRun,
  EngineSettings,
  FeatureColumn,
  MarketInstrument,
  StrategyParam,
} from "@tapedeck/trading";

/** A strategy that an operator has put into the strategies folder. */
export interface ModuleInfo {
  /** File name without its ending. */
  name: string;
  title: string;
  meaning: string;
  params: readonly StrategyParam[];
  /** Fewest and most instruments. */
  instruments: readonly [number, number];
  /** sha256 of the file. */
  hash: string;
}

/** A file in the folder that is no strategy, and why. */
export interface BrokenModule {
  name: string;
  reason: string;
}

export type ModuleParams = Readonly<Record<string, number>>;

export interface ModuleRun {
  params: ModuleParams;
  instruments: readonly MarketInstrument[];
  settings: EngineSettings;
  /** By formula of `features`, then by instrument as given. */
  columns: Readonly<Record<string, readonly FeatureColumn[]>>;
  /** Decides what the module's `Math.random` gives. */
  seed: number;
  signal: AbortSignal;
  onProgress?(instantsDone: number, instantsTotal: number): void;
}

/** What stopped a module, in words for people. */
export interface ModuleFailure {
  message: string;
  /** The close at which it happened; null: before the first. */
  atMs: number | null;
}

export interface ModuleOutcome {
  /** Of a module that failed: all before the close at which it did. */
  run: EngineRun;
  failure: ModuleFailure | null;
}

/** A module in a thread of its own, under limits of time and memory. Throws AppError `payload.invalid`, `strategy.failed`. */
export interface ModuleSession {
  readonly info: ModuleInfo;
  /** The parameters completed, and the formulas that the strategy reads with them. */
  prepare(
    given: ModuleParams,
    instruments: number,
  ): Promise<{ params: ModuleParams; features: string[]; title: string }>;
  /** One at a time. */
  run(request: ModuleRun): Promise<ModuleOutcome>;
  close(): Promise<void>;
}

/** The folder of strategy modules. */
export interface StrategyModules {
  list(): Promise<{ modules: ModuleInfo[]; broken: BrokenModule[] }>;
  /** Throws AppError `payload.invalid` for a name that is not there. */
  open(name: string): Promise<ModuleSession>;
  hashOf(name: string): Promise<string>;
}
