/** Candlestick patterns of three bars that rest on one long body or on gaps. */
import { candle } from "./candle.ts";
import * as s from "./shape.ts";
import type { Bars } from "./shape.ts";

export const cdl2Crows = candle({
  name: "cdl2crows",
  title: "Two crows",
  meaning:
    "A long white body, a black one above it, a black one that closes inside the first: -100, bearish.",
  lookback: 12,
  judge: (b, i) =>
    s.isWhite(b, i - 2) &&
    s.isBlack(b, i - 1) &&
    s.isBlack(b, i) &&
    s.bodyGapsUp(b, i - 1, i - 2) &&
    s.open(b, i) < s.open(b, i - 1) &&
    s.open(b, i) > s.close(b, i - 1) &&
    s.close(b, i) > s.open(b, i - 2) &&
    s.close(b, i) < s.close(b, i - 2) &&
    s.isLong(b, i - 2)
      ? -100
      : 0,
});

export const cdlUpsideGap2Crows = candle({
  name: "cdlupsidegap2crows",
  title: "Upside gap two crows",
  meaning:
    "A long white body, a small black one above it, a black one that covers that and still closes above the first: -100, bearish.",
  lookback: 12,
  judge: (b, i) =>
    s.isWhite(b, i - 2) &&
    s.isBlack(b, i - 1) &&
    s.isBlack(b, i) &&
    s.bodyGapsUp(b, i - 1, i - 2) &&
    s.open(b, i) > s.open(b, i - 1) &&
    s.close(b, i) < s.close(b, i - 1) &&
    s.close(b, i) > s.close(b, i - 2) &&
    s.isLong(b, i - 2) &&
    s.isSmall(b, i - 1)
      ? -100
      : 0,
});

export const cdl3Inside = candle({
  name: "cdl3inside",
  title: "Three inside up or down",
  meaning: "A harami and a close beyond the first bar's open: 100 after a black bar, -100 after a white one.",
  lookback: 12,
  judge(b, i) {
    if (s.isWhite(b, i - 2) === s.isWhite(b, i)) return 0;
    const beyond = s.isWhite(b, i) ? s.close(b, i) > s.open(b, i - 2) : s.close(b, i) < s.open(b, i - 2);
    return beyond &&
      s.top(b, i - 1) < s.top(b, i - 2) &&
      s.bottom(b, i - 1) > s.bottom(b, i - 2) &&
      s.isLong(b, i - 2) &&
      s.isSmall(b, i - 1)
      ? s.colour(b, i) * 100
      : 0;
  },
});

export const cdl3Outside = candle({
  name: "cdl3outside",
  title: "Three outside up or down",
  meaning: "An engulfing body and a close further on: 100 when it is white, -100 when black.",
  lookback: 3,
  judge(b, i) {
    if (s.isWhite(b, i - 1) === s.isWhite(b, i - 2)) return 0;
    if (!(s.top(b, i - 1) > s.top(b, i - 2) && s.bottom(b, i - 1) < s.bottom(b, i - 2))) return 0;
    const sign = s.colour(b, i - 1);
    return (s.close(b, i) - s.close(b, i - 1)) * sign > 0 ? sign * 100 : 0;
  },
});

/** 1 of a star above a long white body whose third bar is black and closes deep in it, -1 of its mirror image, else 0. */
function starOf(b: Bars, i: number, depth: number): number {
  if (s.isWhite(b, i - 2) === s.isWhite(b, i)) return 0;
  const deep = s.body(b, i - 2) * depth;
  if (s.isWhite(b, i - 2)) return s.close(b, i) < s.close(b, i - 2) - deep ? 1 : 0;
  return s.close(b, i) > s.close(b, i - 2) + deep ? -1 : 0;
}

const sizesOfStar = (b: Bars, i: number): boolean => s.isLong(b, i - 2) && s.body(b, i) > s.usualBody(b, i);

export const cdlAbandonedBaby = candle({
  name: "cdlabandonedbaby",
  title: "Abandoned baby",
  meaning: "A doji that gaps away from both neighbours, and a turn: 100 up, -100 down.",
  lookback: 12,
  penetration: 0.3,
  judge(b, i, depth) {
    const star = starOf(b, i, depth);
    if (star === 0) return 0;
    const alone =
      star > 0
        ? s.barGapsUp(b, i - 1, i - 2) && s.barGapsDown(b, i, i - 1)
        : s.barGapsDown(b, i - 1, i - 2) && s.barGapsUp(b, i, i - 1);
    return alone && s.isDoji(b, i - 1) && sizesOfStar(b, i) ? -100 * star : 0;
  },
});

export const cdlEveningStar = candle({
  name: "cdleveningstar",
  title: "Evening star",
  meaning:
    "A long white body, a small one above it, a black one that closes deep in the first: -100, bearish.",
  lookback: 12,
  penetration: 0.3,
  judge: (b, i, depth) =>
    starOf(b, i, depth) > 0 && s.bodyGapsUp(b, i - 1, i - 2) && s.isSmall(b, i - 1) && sizesOfStar(b, i)
      ? -100
      : 0,
});

export const cdlEveningDojiStar = candle({
  name: "cdleveningdojistar",
  title: "Evening doji star",
  meaning: "An evening star whose star is a doji: -100, bearish.",
  lookback: 12,
  penetration: 0.3,
  judge: (b, i, depth) =>
    starOf(b, i, depth) > 0 && s.bodyGapsUp(b, i - 1, i - 2) && s.isDoji(b, i - 1) && sizesOfStar(b, i)
      ? -100
      : 0,
});

export const cdlMorningStar = candle({
  name: "cdlmorningstar",
  title: "Morning star",
  meaning:
    "A long black body, a small one below it, a white one that closes deep in the first: 100, bullish.",
  lookback: 12,
  penetration: 0.3,
  judge: (b, i, depth) =>
    starOf(b, i, depth) < 0 && s.bodyGapsDown(b, i - 1, i - 2) && s.isSmall(b, i - 1) && sizesOfStar(b, i)
      ? 100
      : 0,
});

export const cdlMorningDojiStar = candle({
  name: "cdlmorningdojistar",
  title: "Morning doji star",
  meaning: "A morning star whose star is a doji: 100, bullish.",
  lookback: 12,
  penetration: 0.3,
  judge: (b, i, depth) =>
    starOf(b, i, depth) < 0 && s.bodyGapsDown(b, i - 1, i - 2) && s.isDoji(b, i - 1) && sizesOfStar(b, i)
      ? 100
      : 0,
});

export const cdlTristar = candle({
  name: "cdltristar",
  title: "Tristar",
  meaning: "Three doji, the middle one beyond the others: 100 below them, -100 above them.",
  note: "All three are measured by the bars before the first.",
  lookback: 12,
  judge(b, i) {
    const above = s.bodyGapsUp(b, i - 1, i - 2) && s.top(b, i) < s.top(b, i - 1);
    const below = s.bodyGapsDown(b, i - 1, i - 2) && s.bottom(b, i) > s.bottom(b, i - 1);
    if (!above && !below) return 0;
    const most = s.tinySize(b, i - 2);
    if (s.body(b, i - 2) > most || s.body(b, i - 1) > most || s.body(b, i) > most) return 0;
    return above ? -100 : 100;
  },
});

export const cdlUnique3River = candle({
  name: "cdlunique3river",
  title: "Unique three river",
  meaning:
    "A long black body, a black one inside it with a lower low, a short white one above that low: 100, bullish.",
  lookback: 12,
  judge: (b, i) =>
    s.isBlack(b, i - 2) &&
    s.isBlack(b, i - 1) &&
    s.isWhite(b, i) &&
    s.close(b, i - 1) > s.close(b, i - 2) &&
    s.open(b, i - 1) <= s.open(b, i - 2) &&
    s.low(b, i - 1) < s.low(b, i - 2) &&
    s.open(b, i) > s.low(b, i - 1) &&
    s.isLong(b, i - 2) &&
    s.isShort(b, i)
      ? 100
      : 0,
});

export const cdlGapSideSideWhite = candle({
  name: "cdlgapsidesidewhite",
  title: "Side-by-side white lines",
  meaning: "Two like white bodies beyond the one before them: 100 after a gap up, -100 after a gap down.",
  lookback: 7,
  judge(b, i) {
    if (!s.isWhite(b, i - 1) || !s.isWhite(b, i)) return 0;
    const up = s.bodyGapsUp(b, i - 1, i - 2) && s.bodyGapsUp(b, i, i - 2);
    const down = s.bodyGapsDown(b, i - 1, i - 2) && s.bodyGapsDown(b, i, i - 2);
    return (up || down) &&
      s.within(s.body(b, i), s.body(b, i - 1), s.nearDistance(b, i - 1)) &&
      s.within(s.open(b, i), s.open(b, i - 1), s.equalDistance(b, i - 1))
      ? up
        ? 100
        : -100
      : 0;
  },
});

export const cdlTasukiGap = candle({
  name: "cdltasukigap",
  title: "Tasuki gap",
  meaning: "A gap, and a body of the other colour and like size that does not close it: 100 up, -100 down.",
  lookback: 7,
  judge(b, i) {
    if (s.isWhite(b, i) === s.isWhite(b, i - 1)) return 0;
    // the third bar opens inside the second body and closes inside the gap
    if (!(s.open(b, i) < s.top(b, i - 1) && s.open(b, i) > s.bottom(b, i - 1))) return 0;
    const inGap = s.isWhite(b, i - 1)
      ? s.bodyGapsUp(b, i - 1, i - 2) && s.close(b, i) < s.open(b, i - 1) && s.close(b, i) > s.top(b, i - 2)
      : s.bodyGapsDown(b, i - 1, i - 2) &&
        s.close(b, i) > s.open(b, i - 1) &&
        s.close(b, i) < s.bottom(b, i - 2);
    return inGap && Math.abs(s.body(b, i - 1) - s.body(b, i)) < s.nearDistance(b, i - 1)
      ? s.colour(b, i - 1) * 100
      : 0;
  },
});

export const cdlXSideGap3Methods = candle({
  name: "cdlxsidegap3methods",
  title: "Gap three methods",
  meaning: "Two bodies with a gap between, and one of the other colour that closes it: 100 up, -100 down.",
  lookback: 2,
  judge(b, i) {
    if (s.isWhite(b, i - 2) !== s.isWhite(b, i - 1) || s.isWhite(b, i - 1) === s.isWhite(b, i)) return 0;
    const gap = s.isWhite(b, i - 2) ? s.bodyGapsUp(b, i - 1, i - 2) : s.bodyGapsDown(b, i - 1, i - 2);
    return gap &&
      s.open(b, i) < s.top(b, i - 1) &&
      s.open(b, i) > s.bottom(b, i - 1) &&
      s.close(b, i) < s.top(b, i - 2) &&
      s.close(b, i) > s.bottom(b, i - 2)
      ? s.colour(b, i - 2) * 100
      : 0;
  },
});

export const cdlStickSandwich = candle({
  name: "cdlsticksandwich",
  title: "Stick sandwich",
  meaning: "Two black bodies that close at the same price, a white one above it between them: 100, bullish.",
  lookback: 7,
  judge: (b, i) =>
    s.isBlack(b, i - 2) &&
    s.isWhite(b, i - 1) &&
    s.isBlack(b, i) &&
    s.low(b, i - 1) > s.close(b, i - 2) &&
    s.within(s.close(b, i), s.close(b, i - 2), s.equalDistance(b, i - 2))
      ? 100
      : 0,
});
