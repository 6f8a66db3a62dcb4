/** Candlestick patterns of a single bar. */
import { candle } from "./candle.ts";
import * as s from "./shape.ts";

const SHAPE_ONLY = "100 says nothing of direction.";
const COLOUR = "The sign is the colour of the body.";

export const cdlDoji = candle({
  name: "cdldoji",
  title: "Doji",
  meaning: "Open and close are nearly equal: 100.",
  note: SHAPE_ONLY,
  lookback: 10,
  judge: (b, i) => (s.isDoji(b, i) ? 100 : 0),
});

export const cdlDragonflyDoji = candle({
  name: "cdldragonflydoji",
  title: "Dragonfly doji",
  meaning: "A doji at the top of its bar, with a lower shadow and hardly an upper one: 100.",
  note: SHAPE_ONLY,
  lookback: 10,
  judge: (b, i) =>
    s.isDoji(b, i) && s.hasNoUpperShadow(b, i) && s.lowerShadow(b, i) > s.tinySize(b, i) ? 100 : 0,
});

export const cdlGravestoneDoji = candle({
  name: "cdlgravestonedoji",
  title: "Gravestone doji",
  meaning: "A doji at the bottom of its bar, with an upper shadow and hardly a lower one: 100.",
  note: SHAPE_ONLY,
  lookback: 10,
  judge: (b, i) =>
    s.isDoji(b, i) && s.hasNoLowerShadow(b, i) && s.upperShadow(b, i) > s.tinySize(b, i) ? 100 : 0,
});

export const cdlLongLeggedDoji = candle({
  name: "cdllongleggeddoji",
  title: "Long-legged doji",
  meaning: "A doji with at least one long shadow: 100.",
  note: SHAPE_ONLY,
  lookback: 10,
  judge: (b, i) => (s.isDoji(b, i) && (s.hasLongLowerShadow(b, i) || s.hasLongUpperShadow(b, i)) ? 100 : 0),
});

export const cdlRickshawMan = candle({
  name: "cdlrickshawman",
  title: "Rickshaw man",
  meaning: "A doji with two long shadows and its body near the middle of the bar: 100.",
  note: SHAPE_ONLY,
  lookback: 10,
  judge(b, i) {
    if (!s.isDoji(b, i) || !s.hasLongLowerShadow(b, i) || !s.hasLongUpperShadow(b, i)) return 0;
    const middle = s.low(b, i) + (s.high(b, i) - s.low(b, i)) / 2;
    const near = s.nearDistance(b, i);
    return s.bottom(b, i) <= middle + near && s.top(b, i) >= middle - near ? 100 : 0;
  },
});

export const cdlTakuri = candle({
  name: "cdltakuri",
  title: "Takuri",
  meaning: "A dragonfly doji with a very long lower shadow: 100.",
  note: SHAPE_ONLY,
  lookback: 10,
  judge: (b, i) =>
    s.isDoji(b, i) && s.hasNoUpperShadow(b, i) && s.lowerShadow(b, i) > 2 * s.body(b, i) ? 100 : 0,
});

export const cdlHighWave = candle({
  name: "cdlhighwave",
  title: "High-wave bar",
  meaning: "A short body between two very long shadows: 100 when white, -100 when black.",
  note: COLOUR,
  lookback: 10,
  judge(b, i) {
    const long = 2 * s.body(b, i);
    return s.isShort(b, i) && s.upperShadow(b, i) > long && s.lowerShadow(b, i) > long
      ? s.colour(b, i) * 100
      : 0;
  },
});

export const cdlSpinningTop = candle({
  name: "cdlspinningtop",
  title: "Spinning top",
  meaning: "A short body between two shadows longer than it: 100 when white, -100 when black.",
  note: COLOUR,
  lookback: 10,
  judge: (b, i) =>
    s.isShort(b, i) && s.hasLongUpperShadow(b, i) && s.hasLongLowerShadow(b, i) ? s.colour(b, i) * 100 : 0,
});

export const cdlLongLine = candle({
  name: "cdllongline",
  title: "Long line",
  meaning: "A long body between short shadows: 100 when white, -100 when black.",
  note: COLOUR,
  lookback: 10,
  judge(b, i) {
    if (!s.isLong(b, i)) return 0;
    const short = s.usualShadow(b, i);
    return s.upperShadow(b, i) < short && s.lowerShadow(b, i) < short ? s.colour(b, i) * 100 : 0;
  },
});

export const cdlShortLine = candle({
  name: "cdlshortline",
  title: "Short line",
  meaning: "A short body between short shadows: 100 when white, -100 when black.",
  note: COLOUR,
  lookback: 10,
  judge(b, i) {
    if (!s.isShort(b, i)) return 0;
    const short = s.usualShadow(b, i);
    return s.upperShadow(b, i) < short && s.lowerShadow(b, i) < short ? s.colour(b, i) * 100 : 0;
  },
});

export const cdlMarubozu = candle({
  name: "cdlmarubozu",
  title: "Marubozu",
  meaning: "A long body with hardly any shadow: 100 when white, -100 when black.",
  note: COLOUR,
  lookback: 10,
  judge: (b, i) =>
    s.isLong(b, i) && s.hasNoUpperShadow(b, i) && s.hasNoLowerShadow(b, i) ? s.colour(b, i) * 100 : 0,
});

export const cdlClosingMarubozu = candle({
  name: "cdlclosingmarubozu",
  title: "Closing marubozu",
  meaning: "A long body that closes at the end of its bar: 100 when white, -100 when black.",
  note: COLOUR,
  lookback: 10,
  judge(b, i) {
    if (!s.isLong(b, i)) return 0;
    if (s.isWhite(b, i)) return s.hasNoUpperShadow(b, i) ? 100 : 0;
    return s.hasNoLowerShadow(b, i) ? -100 : 0;
  },
});

export const cdlBeltHold = candle({
  name: "cdlbelthold",
  title: "Belt hold",
  meaning: "A long body that opens at the end of its bar: 100 when white, -100 when black.",
  note: COLOUR,
  lookback: 10,
  judge(b, i) {
    if (!s.isLong(b, i)) return 0;
    if (s.isWhite(b, i)) return s.hasNoLowerShadow(b, i) ? 100 : 0;
    return s.hasNoUpperShadow(b, i) ? -100 : 0;
  },
});
