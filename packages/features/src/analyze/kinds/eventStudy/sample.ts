import { isoDate, timeframeMs } from "@tapedeck/core";
import { indexAtOrAfter } from "@tapedeck/quant/measure";
import { abnormalReturns, QuantError } from "@tapedeck/quant/statistics/index";
import type { AbnormalReturns } from "@tapedeck/quant/statistics/index";
import type { SeriesDataset } from "../../../series/contract.ts";
import { alignCloses, returnsOf } from "../align.ts";
import type { EventStudyPayload } from "./contract.ts";

export interface DatedEvent {
  instrumentId: string;
  atMs: number;
  eventId?: string | undefined;
  label?: string | undefined;
}

/** An event with what was abnormal about the bars around it. */
export interface StudiedReturns {
  event: DatedEvent;
  /** Place of day 0 among the instrument's returns. */
  day: number;
  closeMs: number;
  returns: AbnormalReturns;
}

export interface LeftOut {
  instrumentId: string;
  atMs: number;
  reason: string;
}

export interface Sample {
  studied: StudiedReturns[];
  leftOut: LeftOut[];
}

/** Returns of an instrument and of the market on the bars that both have; the market's are its own for the model of the mean. */
export interface ReturnPair {
  closeMs: Float64Array;
  own: Float64Array;
  market: Float64Array;
}

/** @throws AppError data.missing where there are fewer than two common bars. */
export function pairReturns(own: SeriesDataset, market: SeriesDataset | undefined): ReturnPair {
  const aligned = alignCloses(market === undefined ? [own] : [own, market], 2);
  const [first, second] = aligned.closes.map(returnsOf);
  return { closeMs: aligned.closeMs.subarray(1), own: first!, market: second ?? first! };
}

/** A bar this long after an event was known does not show it: bars are missing between. */
const longestGapMs = 7 * 86_400_000;

/**
 * Studies each event on the returns of its instrument. Day 0 is the first bar that closes after the event was known; several
 * events of an instrument on one bar are one.
 */
export function sampleEvents(
  events: readonly DatedEvent[],
  pairOf: (instrumentId: string) => ReturnPair,
  payload: EventStudyPayload,
): Sample {
  const { before, after, estimationBars, gapBars, model, timeframe } = payload;
  const sample: Sample = { studied: [], leftOut: [] };
  const seen = new Set<string>();
  for (const event of events.toSorted((a, b) => a.atMs - b.atMs)) {
    const { instrumentId, atMs } = event;
    const leave = (reason: string) => sample.leftOut.push({ instrumentId, atMs, reason });
    const { closeMs, own, market } = pairOf(instrumentId);
    const day = indexAtOrAfter(closeMs, atMs + 1);
    const from = day - before;
    const learnt = from - gapBars - estimationBars;
    if (day >= closeMs.length) leave("no bar closes after it");
    else if (closeMs[day]! - atMs > Math.max(longestGapMs, 2 * timeframeMs(timeframe)))
      leave(`the next bar closes only on ${isoDate(closeMs[day]!)}`);
    else if (seen.has(`${instrumentId} ${day}`)) leave("another event of the instrument has the same day 0");
    else if (learnt < 0) leave(`${-learnt} bars are missing before it`);
    else if (day + after >= closeMs.length)
      leave(`${day + after - closeMs.length + 1} bars are missing after it`);
    else {
      try {
        const returns = abnormalReturns(
          {
            estimation: own.subarray(learnt, learnt + estimationBars),
            event: own.subarray(from, day + after + 1),
            marketEstimation: market.subarray(learnt, learnt + estimationBars),
            marketEvent: market.subarray(from, day + after + 1),
          },
          model,
        );
        sample.studied.push({ event, day, closeMs: closeMs[day]!, returns });
        seen.add(`${instrumentId} ${day}`);
      } catch (error) {
        if (!(error instanceof QuantError)) throw error;
        leave(error.message);
      }
    }
  }
  return sample;
}
