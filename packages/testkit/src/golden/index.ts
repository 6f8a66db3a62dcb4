import { backtest } from "./backtest.ts";
import type { GoldenFolder } from "./golden.ts";
import { indicators } from "./indicators.ts";
import { learning } from "./learning.ts";
import { ledger } from "./ledger.ts";
import { options } from "./options.ts";
import { patterns } from "./patterns.ts";
import { portfolio } from "./portfolio.ts";
import { risk } from "./risk.ts";
import { statistics } from "./statistics.ts";

/** Folders of reference values that have counterparts. A new one is a file here and a line in this list. */
export const folders: readonly GoldenFolder[] = [
  backtest,
  indicators,
  learning,
  ledger,
  options,
  patterns,
  portfolio,
  risk,
  statistics,
];

export { goldenFolders, isOwed, listEntries } from "./golden.ts";
export type { GoldenEntry, GoldenFolder, GoldenResult, Owed } from "./golden.ts";
export { unreferenced } from "./unreferenced.ts";
export { exactnessPage, fingerprintIn, fingerprintOf } from "./page.ts";
export type { Compared } from "./page.ts";
