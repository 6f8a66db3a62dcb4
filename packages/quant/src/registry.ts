import type { Kernel } from "./kernel.ts";
import * as averages from "./overlap/averages.ts";
import * as bands from "./overlap/bands.ts";
import * as trend from "./overlap/trend.ts";
import * as oscillators from "./momentum/oscillators.ts";
import * as rsis from "./momentum/rsi.ts";
import * as macds from "./momentum/macd.ts";
import * as stochastics from "./momentum/stoch.ts";
import * as directional from "./momentum/directional.ts";
import * as volume from "./volume/volume.ts";
import * as range from "./volatility/range.ts";
import * as regression from "./statistic/regression.ts";
import * as leastSquares from "./statistic/ols.ts";
import * as zscores from "./statistic/zscore.ts";
import * as extremes from "./window/extreme.ts";
import * as moments from "./window/moment.ts";
import * as smoothing from "./window/smooth.ts";
import * as sums from "./window/sum.ts";
import * as price from "./price/price.ts";
import * as pivots from "./price/pivots.ts";
import * as swings from "./price/swings.ts";
import * as flow from "./volume/flow.ts";
import * as composite from "./momentum/composite.ts";
import * as estimators from "./volatility/estimators.ts";
import * as rolling from "./statistic/rolling.ts";
import * as adaptive from "./overlap/adaptive.ts";
import * as psarext from "./overlap/psarext.ts";
import * as hilbert from "./cycle/hilbert.ts";
import * as oneBar from "./patterns/one.ts";
import * as twoBars from "./patterns/two.ts";
import * as threeBars from "./patterns/three.ts";
import * as barsInARow from "./patterns/series.ts";
import * as hikkakes from "./patterns/hikkake.ts";

/** The one list of kernels: every module's exported kernels, by name. */
const MODULES: readonly Readonly<Record<string, unknown>>[] = [
  averages,
  sums,
  smoothing,
  bands,
  trend,
  oscillators,
  directional,
  rsis,
  macds,
  stochastics,
  volume,
  range,
  moments,
  regression,
  leastSquares,
  zscores,
  extremes,
  price,
  pivots,
  swings,
  flow,
  composite,
  estimators,
  rolling,
  adaptive,
  psarext,
  hilbert,
  oneBar,
  twoBars,
  threeBars,
  barsInARow,
  hikkakes,
];

/** Parts of other kernels that stand for nothing on their own. */
const PARTS = new Set([
  "rmapositive",
  "smoothpositive",
  "emasteady",
  "emadecaying",
  "smarunning",
  "rsisteady",
]);

function isKernel(x: unknown): x is Kernel {
  return typeof x === "object" && x !== null && "run" in x && "warmup" in x && "name" in x;
}

function collect(): ReadonlyMap<string, Kernel> {
  const found = new Map<string, Kernel>();
  for (const module of MODULES) {
    for (const kernel of Object.values(module).filter(isKernel)) {
      if (PARTS.has(kernel.name)) continue;
      const other = found.get(kernel.name);
      if (other && other !== kernel) throw new Error(`two kernels are called ${kernel.name}`);
      found.set(kernel.name, kernel);
    }
  }
  return found;
}

/** Every kernel by name. */
export const registry: ReadonlyMap<string, Kernel> = collect();
