import {
  blockwiseOverfitting,
  deflatedSharpe,
  minimumTrackRecord,
  probabilisticSharpe,
} from "@tapedeck/quant/risk/index";
import { rowsPerBlock, trialBlocks } from "@tapedeck/trading";
import { orNull } from "../orNull.ts";
import type { Honesty, StoredMeasure } from "./contract.ts";

/** Combinations that the probability of overfitting looks at. */
export const mostColumns = 2_000;

/** What of all trials is kept to judge the best: running moments of their ratios, and block sums of the first 2,000 that vary. */
export interface HonestyRecord {
  trials: number;
  ratios: number;
  sum: number;
  squares: number;
  blocks: number[][];
}

export function emptyRecord(): HonestyRecord {
  return { trials: 0, ratios: 0, sum: 0, squares: 0, blocks: [] };
}

export function recordTrial(record: HonestyRecord, measure: StoredMeasure | null): void {
  record.trials++;
  if (measure?.sharpePerBar === null || measure === null) return;
  record.ratios++;
  record.sum += measure.sharpePerBar;
  record.squares += measure.sharpePerBar ** 2;
  if (record.blocks.length < mostColumns) record.blocks.push(measure.blocks);
}

/** What inference on a Sharpe ratio needs of the run that has it. */
export type RatioSample = Pick<StoredMeasure, "sharpePerBar" | "returns" | "skewness" | "kurtosis">;

export function judge(record: HonestyRecord, best: RatioSample | null, facts: { bars: number }): Honesty {
  const honesty: Honesty = {
    trials: record.trials,
    probabilisticSharpe: null,
    deflatedSharpe: null,
    overfitting: null,
    overfittingTrials: record.blocks.length,
    minimumTrackRecordBars: null,
    bars: facts.bars,
  };
  if (record.blocks.length >= 2) honesty.overfitting = orNull(() => overfittingOf(record, facts.bars));
  if (best === null || best.sharpePerBar === null) return honesty;
  const sample = {
    sharpe: best.sharpePerBar,
    n: best.returns,
    skew: best.skewness!,
    kurtosis: best.kurtosis!,
  };
  const mean = record.sum / record.ratios;
  const variance = Math.max(0, record.squares / record.ratios - mean * mean);
  return {
    ...honesty,
    probabilisticSharpe: orNull(() => probabilisticSharpe(sample)),
    // One ratio does not tell how ratios vary: without variance nothing would be deflated.
    deflatedSharpe: record.ratios < 2 ? null : orNull(() => deflatedSharpe(sample, variance, record.trials)),
    minimumTrackRecordBars: orNull(() => minimumTrackRecord(sample)),
  };
}

function overfittingOf(record: HonestyRecord, bars: number): number {
  const columns = record.blocks.length;
  const sum = new Float64Array(trialBlocks * columns);
  const squares = new Float64Array(trialBlocks * columns);
  record.blocks.forEach((blocks, j) => {
    for (let b = 0; b < trialBlocks; b++) {
      sum[b * columns + j] = blocks[b]!;
      squares[b * columns + j] = blocks[trialBlocks + b]!;
    }
  });
  return blockwiseOverfitting({ sum, squares }, columns, trialBlocks, rowsPerBlock(bars)).probability;
}
