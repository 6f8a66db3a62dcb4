/** Candlestick patterns of three to five bars in a row: soldiers, crows, methods. */
import { candle } from "./candle.ts";
import * as s from "./shape.ts";
import type { Bars } from "./shape.ts";

/** Bars i - 2, i - 1 and i are white, each closes above the one before. */
const rises = (b: Bars, i: number): boolean =>
  s.isWhite(b, i - 2) &&
  s.isWhite(b, i - 1) &&
  s.isWhite(b, i) &&
  s.close(b, i) > s.close(b, i - 1) &&
  s.close(b, i - 1) > s.close(b, i - 2);

/** Bars i - 2, i - 1 and i are black, each closes below the one before. */
const falls = (b: Bars, i: number): boolean =>
  s.isBlack(b, i - 2) &&
  s.isBlack(b, i - 1) &&
  s.isBlack(b, i) &&
  s.close(b, i) < s.close(b, i - 1) &&
  s.close(b, i - 1) < s.close(b, i - 2);

/** Bar i opens inside the body of the white bar before, or hardly above it. */
const opensInside = (b: Bars, i: number): boolean =>
  s.open(b, i) > s.open(b, i - 1) && s.open(b, i) <= s.close(b, i - 1) + s.nearDistance(b, i - 1);

export const cdl3WhiteSoldiers = candle({
  name: "cdl3whitesoldiers",
  title: "Three advancing white soldiers",
  meaning: "Three white bodies, each higher and not much shorter, that close at their highs: 100, bullish.",
  lookback: 12,
  judge: (b, i) =>
    rises(b, i) &&
    opensInside(b, i - 1) &&
    opensInside(b, i) &&
    s.hasNoUpperShadow(b, i - 2) &&
    s.hasNoUpperShadow(b, i - 1) &&
    s.hasNoUpperShadow(b, i) &&
    s.body(b, i - 1) > s.body(b, i - 2) - s.farDistance(b, i - 2) &&
    s.body(b, i) > s.body(b, i - 1) - s.farDistance(b, i - 1) &&
    s.isLong(b, i)
      ? 100
      : 0,
});

/** Signs that an advance loses strength. */
function tires(b: Bars, i: number): boolean {
  const [first, second, third] = [s.body(b, i - 2), s.body(b, i - 1), s.body(b, i)];
  if (second < first - s.farDistance(b, i - 2) && third < second + s.nearDistance(b, i - 1)) return true;
  if (third < second - s.farDistance(b, i - 1)) return true;
  if (third >= second) return false;
  if (s.hasLongUpperShadow(b, i)) return true;
  return (
    second < first &&
    (s.upperShadow(b, i) > s.usualShadow(b, i) || s.upperShadow(b, i - 1) > s.usualShadow(b, i - 1))
  );
}

export const cdlAdvanceBlock = candle({
  name: "cdladvanceblock",
  title: "Advance block",
  meaning: "Three white bodies, each higher, of which the later ones weaken: -100, bearish.",
  lookback: 12,
  judge: (b, i) =>
    rises(b, i) &&
    opensInside(b, i - 1) &&
    opensInside(b, i) &&
    s.isLong(b, i - 2) &&
    s.upperShadow(b, i - 2) < s.usualShadow(b, i - 2) &&
    tires(b, i)
      ? -100
      : 0,
});

export const cdlStalledPattern = candle({
  name: "cdlstalledpattern",
  title: "Stalled pattern",
  meaning: "Two long white bodies and a short one on the shoulder of the second: -100, bearish.",
  lookback: 12,
  judge: (b, i) =>
    rises(b, i) &&
    opensInside(b, i - 1) &&
    s.isLong(b, i - 2) &&
    s.isLong(b, i - 1) &&
    s.hasNoUpperShadow(b, i - 1) &&
    s.isShort(b, i) &&
    s.open(b, i) >= s.close(b, i - 1) - s.body(b, i) - s.nearDistance(b, i - 1)
      ? -100
      : 0,
});

export const cdl3BlackCrows = candle({
  name: "cdl3blackcrows",
  title: "Three black crows",
  meaning:
    "After a white bar three black ones, each opening in the body before and closing at its low: -100, bearish.",
  lookback: 13,
  judge: (b, i) =>
    s.isWhite(b, i - 3) &&
    falls(b, i) &&
    s.high(b, i - 3) > s.close(b, i - 2) &&
    s.open(b, i - 1) < s.open(b, i - 2) &&
    s.open(b, i - 1) > s.close(b, i - 2) &&
    s.open(b, i) < s.open(b, i - 1) &&
    s.open(b, i) > s.close(b, i - 1) &&
    s.hasNoLowerShadow(b, i - 2) &&
    s.hasNoLowerShadow(b, i - 1) &&
    s.hasNoLowerShadow(b, i)
      ? -100
      : 0,
});

export const cdlIdentical3Crows = candle({
  name: "cdlidentical3crows",
  title: "Identical three crows",
  meaning: "Three black bodies, each opening at the close before and closing at its low: -100, bearish.",
  lookback: 12,
  judge: (b, i) =>
    falls(b, i) &&
    s.within(s.open(b, i - 1), s.close(b, i - 2), s.equalDistance(b, i - 2)) &&
    s.within(s.open(b, i), s.close(b, i - 1), s.equalDistance(b, i - 1)) &&
    s.hasNoLowerShadow(b, i - 2) &&
    s.hasNoLowerShadow(b, i - 1) &&
    s.hasNoLowerShadow(b, i)
      ? -100
      : 0,
});

export const cdl3StarsInSouth = candle({
  name: "cdl3starsinsouth",
  title: "Three stars in the south",
  meaning: "Three black bars, each shorter and with a higher low, the last without shadows: 100, bullish.",
  lookback: 12,
  judge: (b, i) =>
    s.isBlack(b, i - 2) &&
    s.isBlack(b, i - 1) &&
    s.isBlack(b, i) &&
    s.isLong(b, i - 2) &&
    s.hasLongLowerShadow(b, i - 2) &&
    s.body(b, i - 1) < s.body(b, i - 2) &&
    s.open(b, i - 1) > s.close(b, i - 2) &&
    s.open(b, i - 1) <= s.high(b, i - 2) &&
    s.low(b, i - 1) < s.close(b, i - 2) &&
    s.low(b, i - 1) >= s.low(b, i - 2) &&
    s.lowerShadow(b, i - 1) > s.tinySize(b, i - 1) &&
    s.isShort(b, i) &&
    s.hasNoLowerShadow(b, i) &&
    s.hasNoUpperShadow(b, i) &&
    s.low(b, i) > s.low(b, i - 1) &&
    s.high(b, i) < s.high(b, i - 1)
      ? 100
      : 0,
});

/** Bar i opens inside the body before, or near it. */
function opensNear(b: Bars, i: number): boolean {
  const near = s.nearDistance(b, i - 1);
  return s.open(b, i) >= s.bottom(b, i - 1) - near && s.open(b, i) <= s.top(b, i - 1) + near;
}

export const cdl3LineStrike = candle({
  name: "cdl3linestrike",
  title: "Three-line strike",
  meaning:
    "Three bars of one colour in a row, and one that takes them all back: 100 after white ones, -100 after black.",
  lookback: 8,
  judge(b, i) {
    const sign = s.colour(b, i - 1);
    if (s.colour(b, i - 2) !== sign || s.colour(b, i - 3) !== sign || s.colour(b, i) === sign) return 0;
    return (s.close(b, i - 1) - s.close(b, i - 2)) * sign > 0 &&
      (s.close(b, i - 2) - s.close(b, i - 3)) * sign > 0 &&
      (s.open(b, i) - s.close(b, i - 1)) * sign > 0 &&
      (s.open(b, i - 3) - s.close(b, i)) * sign > 0 &&
      opensNear(b, i - 2) &&
      opensNear(b, i - 1)
      ? sign * 100
      : 0;
  },
});

export const cdlConcealBabySwall = candle({
  name: "cdlconcealbabyswall",
  title: "Concealing baby swallow",
  meaning:
    "Two black marubozu, a black bar below with an upper shadow into the second, one that covers it: 100, bullish.",
  lookback: 13,
  judge: (b, i) =>
    s.isBlack(b, i - 3) &&
    s.isBlack(b, i - 2) &&
    s.isBlack(b, i - 1) &&
    s.isBlack(b, i) &&
    s.bodyGapsDown(b, i - 1, i - 2) &&
    s.high(b, i - 1) > s.close(b, i - 2) &&
    s.high(b, i) > s.high(b, i - 1) &&
    s.low(b, i) < s.low(b, i - 1) &&
    s.hasNoLowerShadow(b, i - 3) &&
    s.hasNoUpperShadow(b, i - 3) &&
    s.hasNoLowerShadow(b, i - 2) &&
    s.hasNoUpperShadow(b, i - 2) &&
    s.upperShadow(b, i - 1) > s.tinySize(b, i - 1)
      ? 100
      : 0,
});

export const cdlLadderBottom = candle({
  name: "cdlladderbottom",
  title: "Ladder bottom",
  meaning:
    "Three falling black bodies, a black bar with an upper shadow, a white close above it: 100, bullish.",
  lookback: 14,
  judge: (b, i) =>
    s.isBlack(b, i - 1) &&
    s.isWhite(b, i) &&
    falls(b, i - 2) &&
    s.open(b, i - 4) > s.open(b, i - 3) &&
    s.open(b, i - 3) > s.open(b, i - 2) &&
    s.open(b, i) > s.open(b, i - 1) &&
    s.close(b, i) > s.high(b, i - 1) &&
    s.upperShadow(b, i - 1) > s.tinySize(b, i - 1)
      ? 100
      : 0,
});

export const cdlBreakaway = candle({
  name: "cdlbreakaway",
  title: "Breakaway",
  meaning:
    "A long body, a gap, three bars further on, and one that closes back inside the gap: 100 up, -100 down.",
  lookback: 14,
  judge(b, i) {
    const sign = s.colour(b, i - 4);
    if (s.colour(b, i - 3) !== sign || s.colour(b, i - 1) !== sign || s.colour(b, i) === sign) return 0;
    const gap = sign > 0 ? s.bodyGapsUp(b, i - 3, i - 4) : s.bodyGapsDown(b, i - 3, i - 4);
    return gap &&
      (s.high(b, i - 2) - s.high(b, i - 3)) * sign > 0 &&
      (s.low(b, i - 2) - s.low(b, i - 3)) * sign > 0 &&
      (s.high(b, i - 1) - s.high(b, i - 2)) * sign > 0 &&
      (s.low(b, i - 1) - s.low(b, i - 2)) * sign > 0 &&
      (s.open(b, i - 3) - s.close(b, i)) * sign > 0 &&
      (s.close(b, i) - s.close(b, i - 4)) * sign > 0 &&
      s.isLong(b, i - 4)
      ? -sign * 100
      : 0;
  },
});

const threeShort = (b: Bars, i: number): boolean =>
  s.isShort(b, i - 3) && s.isShort(b, i - 2) && s.isShort(b, i - 1);

export const cdlMatHold = candle({
  name: "cdlmathold",
  title: "Mat hold",
  meaning:
    "A long white body, three short ones that hold its upper part, and a new high close: 100, bullish.",
  lookback: 14,
  penetration: 0.5,
  judge(b, i, depth) {
    if (!s.isWhite(b, i - 4) || !s.isBlack(b, i - 3) || !s.isWhite(b, i)) return 0;
    const first = s.close(b, i - 4);
    const floor = first - s.body(b, i - 4) * depth;
    return s.bodyGapsUp(b, i - 3, i - 4) &&
      s.bottom(b, i - 2) < first &&
      s.bottom(b, i - 1) < first &&
      s.bottom(b, i - 2) > floor &&
      s.bottom(b, i - 1) > floor &&
      s.top(b, i - 2) < s.open(b, i - 3) &&
      s.top(b, i - 1) < s.top(b, i - 2) &&
      s.open(b, i) > s.close(b, i - 1) &&
      s.close(b, i) > Math.max(s.high(b, i - 3), s.high(b, i - 2), s.high(b, i - 1)) &&
      s.isLong(b, i - 4) &&
      threeShort(b, i)
      ? 100
      : 0;
  },
});

/** The body of bar i reaches into the range of bar k. */
const touches = (b: Bars, i: number, k: number): boolean =>
  s.bottom(b, i) < s.high(b, k) && s.top(b, i) > s.low(b, k);

export const cdlRiseFall3Methods = candle({
  name: "cdlrisefall3methods",
  title: "Rising or falling three methods",
  meaning:
    "A long body, three short ones against it inside its range, a long one beyond it: 100 up, -100 down.",
  lookback: 14,
  judge(b, i) {
    const sign = s.colour(b, i - 4);
    if (s.colour(b, i - 3) === sign || s.colour(b, i - 2) === sign || s.colour(b, i - 1) === sign) return 0;
    return s.colour(b, i) === sign &&
      touches(b, i - 3, i - 4) &&
      touches(b, i - 2, i - 4) &&
      touches(b, i - 1, i - 4) &&
      (s.close(b, i - 3) - s.close(b, i - 2)) * sign > 0 &&
      (s.close(b, i - 2) - s.close(b, i - 1)) * sign > 0 &&
      (s.open(b, i) - s.close(b, i - 1)) * sign > 0 &&
      (s.close(b, i) - s.close(b, i - 4)) * sign > 0 &&
      s.isLong(b, i - 4) &&
      threeShort(b, i) &&
      s.isLong(b, i)
      ? sign * 100
      : 0;
  },
});
