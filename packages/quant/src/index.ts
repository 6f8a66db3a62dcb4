export type { Columns, Kernel, KernelGroup, Param, Params } from "./kernel.ts";
export { checkParams, defaultsOf } from "./kernel.ts";
export { compose } from "./compose.ts";
export type { Composition, Graph, Loop, Ref } from "./compose.ts";
export { createLiveKernel, createPool, runKernel, startKernel, firstNaN, CHUNK } from "./drive.ts";
export type { KernelRun, LiveKernel, Pool, RunOptions } from "./drive.ts";
export { registry } from "./registry.ts";
export { CHART_PATTERNS, createChartScanner, findChartPatterns } from "./patterns/chart.ts";
export type {
  ChartPattern,
  ChartPatternName,
  ChartPatternOptions,
  ChartScanner,
  PatternLine,
} from "./patterns/chart.ts";
export { findLevels } from "./patterns/levels.ts";
export type { LevelOptions, PriceLevel } from "./patterns/levels.ts";
export { barsFromTicks, createBarBuilder, heikinAshiBars } from "./bars/bars.ts";
export type { BarRule } from "./bars/bars.ts";
export { resampleBars } from "./bars/resample.ts";
export type { Bucket, PricedBars } from "./bars/resample.ts";
export { createTimeBars } from "./bars/time.ts";
export type { TimeBarBuilder, TimeBarOptions } from "./bars/time.ts";
export type { Bar, BarBuilder, BarColumns, BarTable, Ticks } from "./bars/table.ts";
