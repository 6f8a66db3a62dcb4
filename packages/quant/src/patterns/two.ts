/** Candlestick patterns of two bars. */
import { candle } from "./candle.ts";
import * as s from "./shape.ts";
import type { Bars } from "./shape.ts";

export const cdlHammer = candle({
  name: "cdlhammer",
  title: "Hammer",
  meaning: "A short body with a long lower shadow, near or below the low before: 100, bullish.",
  lookback: 11,
  judge: (b, i) =>
    s.hasLongLowerShadow(b, i) &&
    s.isShort(b, i) &&
    s.hasNoUpperShadow(b, i) &&
    s.bottom(b, i) <= s.low(b, i - 1) + s.nearDistance(b, i - 1)
      ? 100
      : 0,
});

export const cdlHangingMan = candle({
  name: "cdlhangingman",
  title: "Hanging man",
  meaning: "A short body with a long lower shadow, near or above the high before: -100, bearish.",
  lookback: 11,
  judge: (b, i) =>
    s.hasLongLowerShadow(b, i) &&
    s.isShort(b, i) &&
    s.hasNoUpperShadow(b, i) &&
    s.bottom(b, i) >= s.high(b, i - 1) - s.nearDistance(b, i - 1)
      ? -100
      : 0,
});

export const cdlInvertedHammer = candle({
  name: "cdlinvertedhammer",
  title: "Inverted hammer",
  meaning: "A short body with a long upper shadow below the body before: 100, bullish.",
  lookback: 11,
  judge: (b, i) =>
    s.bodyGapsDown(b, i, i - 1) && s.hasLongUpperShadow(b, i) && s.isShort(b, i) && s.hasNoLowerShadow(b, i)
      ? 100
      : 0,
});

export const cdlShootingStar = candle({
  name: "cdlshootingstar",
  title: "Shooting star",
  meaning: "A short body with a long upper shadow above the body before: -100, bearish.",
  lookback: 11,
  judge: (b, i) =>
    s.bodyGapsUp(b, i, i - 1) && s.hasLongUpperShadow(b, i) && s.isShort(b, i) && s.hasNoLowerShadow(b, i)
      ? -100
      : 0,
});

export const cdlEngulfing = candle({
  name: "cdlengulfing",
  title: "Engulfing",
  meaning:
    "A body that covers the one before, of the other colour: 100 bullish, -100 bearish, 80 and -80 where one end is equal.",
  lookback: 2,
  judge(b, i) {
    if (s.isWhite(b, i) === s.isWhite(b, i - 1)) return 0;
    const above = s.top(b, i) - s.top(b, i - 1);
    const below = s.bottom(b, i - 1) - s.bottom(b, i);
    if (above < 0 || below < 0 || (above === 0 && below === 0)) return 0;
    return s.colour(b, i) * (above > 0 && below > 0 ? 100 : 80);
  },
});

/** The body of bar i inside that of the bar before: 100, or 80 where one end is equal. */
function inside(b: Bars, i: number): number {
  const sign = -s.colour(b, i - 1);
  const above = s.top(b, i - 1) - s.top(b, i);
  const below = s.bottom(b, i) - s.bottom(b, i - 1);
  if (above > 0 && below > 0) return sign * 100;
  return above >= 0 && below >= 0 ? sign * 80 : 0;
}

export const cdlHarami = candle({
  name: "cdlharami",
  title: "Harami",
  meaning:
    "A small body inside the long one before: 100 after a black one, -100 after a white one, 80 and -80 where an end is equal.",
  lookback: 11,
  judge: (b, i) => (s.isLong(b, i - 1) && s.isSmall(b, i) ? inside(b, i) : 0),
});

export const cdlHaramiCross = candle({
  name: "cdlharamicross",
  title: "Harami cross",
  meaning:
    "A doji inside the long body before: 100 after a black one, -100 after a white one, 80 and -80 where an end is equal.",
  lookback: 11,
  judge: (b, i) => (s.isLong(b, i - 1) && s.isDoji(b, i) ? inside(b, i) : 0),
});

export const cdlDojiStar = candle({
  name: "cdldojistar",
  title: "Doji star",
  meaning: "A doji beyond a long body: 100 below a black one, -100 above a white one.",
  lookback: 11,
  judge(b, i) {
    const gap = s.isWhite(b, i - 1) ? s.bodyGapsUp(b, i, i - 1) : s.bodyGapsDown(b, i, i - 1);
    return gap && s.isLong(b, i - 1) && s.isDoji(b, i) ? -s.colour(b, i - 1) * 100 : 0;
  },
});

export const cdlHomingPigeon = candle({
  name: "cdlhomingpigeon",
  title: "Homing pigeon",
  meaning: "A small black body inside a long black one: 100, bullish.",
  lookback: 11,
  judge: (b, i) =>
    s.isBlack(b, i - 1) &&
    s.isBlack(b, i) &&
    s.open(b, i) < s.open(b, i - 1) &&
    s.close(b, i) > s.close(b, i - 1) &&
    s.isLong(b, i - 1) &&
    s.isSmall(b, i)
      ? 100
      : 0,
});

export const cdlCounterattack = candle({
  name: "cdlcounterattack",
  title: "Counterattack",
  meaning:
    "Two long bodies of different colour that close at the same price: 100 when the second is white, else -100.",
  lookback: 11,
  judge: (b, i) =>
    s.isWhite(b, i) !== s.isWhite(b, i - 1) &&
    s.within(s.close(b, i), s.close(b, i - 1), s.equalDistance(b, i - 1)) &&
    s.isLong(b, i - 1) &&
    s.isLong(b, i)
      ? s.colour(b, i) * 100
      : 0,
});

export const cdlDarkCloudCover = candle({
  name: "cdldarkcloudcover",
  title: "Dark cloud cover",
  meaning: "A black body that opens above a long white bar and closes deep in its body: -100, bearish.",
  lookback: 11,
  penetration: 0.5,
  judge: (b, i, depth) =>
    s.isWhite(b, i - 1) &&
    s.isBlack(b, i) &&
    s.open(b, i) > s.high(b, i - 1) &&
    s.close(b, i) > s.open(b, i - 1) &&
    s.close(b, i) < s.close(b, i - 1) - s.body(b, i - 1) * depth &&
    s.isLong(b, i - 1)
      ? -100
      : 0,
});

/** A white bar that opens below a long black one. */
const opensBelow = (b: Bars, i: number): boolean =>
  s.isBlack(b, i - 1) && s.isWhite(b, i) && s.open(b, i) < s.low(b, i - 1) && s.isLong(b, i - 1);

export const cdlPiercing = candle({
  name: "cdlpiercing",
  title: "Piercing line",
  meaning:
    "A long white body that opens below a long black bar and closes above the middle of its body: 100, bullish.",
  lookback: 11,
  judge: (b, i) =>
    opensBelow(b, i) &&
    s.isLong(b, i) &&
    s.close(b, i) < s.open(b, i - 1) &&
    s.close(b, i) > s.close(b, i - 1) + s.body(b, i - 1) * 0.5
      ? 100
      : 0,
});

export const cdlInNeck = candle({
  name: "cdlinneck",
  title: "In-neck line",
  meaning:
    "A white body that opens below a long black bar and closes just at or above its close: -100, bearish.",
  lookback: 11,
  judge: (b, i) =>
    opensBelow(b, i) &&
    s.close(b, i) >= s.close(b, i - 1) &&
    s.close(b, i) <= s.close(b, i - 1) + s.equalDistance(b, i - 1)
      ? -100
      : 0,
});

export const cdlOnNeck = candle({
  name: "cdlonneck",
  title: "On-neck line",
  meaning: "A white body that opens below a long black bar and closes at its low: -100, bearish.",
  lookback: 11,
  judge: (b, i) =>
    opensBelow(b, i) && s.within(s.close(b, i), s.low(b, i - 1), s.equalDistance(b, i - 1)) ? -100 : 0,
});

export const cdlThrusting = candle({
  name: "cdlthrusting",
  title: "Thrusting line",
  meaning:
    "A white body that opens below a long black bar and closes in the lower half of its body: -100, bearish.",
  lookback: 11,
  judge: (b, i) =>
    opensBelow(b, i) &&
    s.close(b, i) > s.close(b, i - 1) + s.equalDistance(b, i - 1) &&
    s.close(b, i) <= s.close(b, i - 1) + s.body(b, i - 1) * 0.5
      ? -100
      : 0,
});

export const cdlMatchingLow = candle({
  name: "cdlmatchinglow",
  title: "Matching low",
  meaning: "Two black bodies that close at the same price: 100, bullish.",
  lookback: 6,
  judge: (b, i) =>
    s.isBlack(b, i - 1) &&
    s.isBlack(b, i) &&
    s.within(s.close(b, i), s.close(b, i - 1), s.equalDistance(b, i - 1))
      ? 100
      : 0,
});

export const cdlSeparatingLines = candle({
  name: "cdlseparatinglines",
  title: "Separating lines",
  meaning:
    "Two bodies of different colour that open at the same price, the second long and without a shadow there: its colour's sign.",
  lookback: 11,
  judge(b, i) {
    if (s.isWhite(b, i) === s.isWhite(b, i - 1)) return 0;
    if (!s.within(s.open(b, i), s.open(b, i - 1), s.equalDistance(b, i - 1)) || !s.isLong(b, i)) return 0;
    const none = s.isWhite(b, i) ? s.hasNoLowerShadow(b, i) : s.hasNoUpperShadow(b, i);
    return none ? s.colour(b, i) * 100 : 0;
  },
});

const isMarubozu = (b: Bars, i: number): boolean =>
  s.isLong(b, i) && s.hasNoUpperShadow(b, i) && s.hasNoLowerShadow(b, i);

/** Two marubozu of different colour with a gap between them. */
function kicks(b: Bars, i: number): boolean {
  if (s.isWhite(b, i) === s.isWhite(b, i - 1)) return false;
  const gap = s.isWhite(b, i) ? s.barGapsUp(b, i, i - 1) : s.barGapsDown(b, i, i - 1);
  return gap && isMarubozu(b, i - 1) && isMarubozu(b, i);
}

export const cdlKicking = candle({
  name: "cdlkicking",
  title: "Kicking",
  meaning: "Two marubozu of different colour with a gap between: 100 when the second is white, else -100.",
  lookback: 11,
  judge: (b, i) => (kicks(b, i) ? s.colour(b, i) * 100 : 0),
});

export const cdlKickingByLength = candle({
  name: "cdlkickingbylength",
  title: "Kicking by length",
  meaning: "Two marubozu of different colour with a gap between: the sign is the colour of the longer one.",
  lookback: 11,
  judge: (b, i) => (kicks(b, i) ? s.colour(b, s.body(b, i) > s.body(b, i - 1) ? i : i - 1) * 100 : 0),
});
