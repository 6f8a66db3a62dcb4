import { placeRule, roundSteps, scale, valueRule } from "./axes.ts";
import type { Frame } from "./axes.ts";
import type { Drawing, Point, Shape } from "./shapes.ts";

/** Quantiles at one place of the path. */
export interface FanBand {
  bar: number;
  p5: number;
  p25: number;
  p50: number;
  p75: number;
  p95: number;
}

const [width, height] = [900, 300];
const frame: Frame = { left: 76, right: width - 14, top: 10, bottom: height - 26 };

/** Bands of simulated paths that widen with time: 5 to 95 %, 25 to 75 %, and the median. */
export function drawFan(bands: readonly FanBand[], label: string): Drawing {
  const least = Math.min(...bands.map((band) => band.p5));
  const most = Math.max(...bands.map((band) => band.p95));
  const lastBar = bands.at(-1)?.bar ?? 1;
  const px = scale(0, lastBar, frame.left, frame.right);
  const py = scale(least, most, frame.bottom, frame.top);
  const along = (of: (band: FanBand) => number): Point[] => bands.map((band) => [px(band.bar), py(of(band))]);
  const band = (low: "p5" | "p25", high: "p95" | "p75"): Shape => ({
    kind: "area",
    points: [...along((one) => one[high]), ...along((one) => one[low]).toReversed()],
    ink: "strategy",
    opacity: 0.18,
  });
  return {
    width,
    height,
    label,
    legend: [
      { label: "Median", ink: "strategy" },
      { label: "Break-even", ink: "benchmark" },
    ],
    shapes: [
      ...roundSteps(least, most, 5).flatMap((value) => valueRule(frame, py(value), `× ${value.toFixed(2)}`)),
      ...roundSteps(0, lastBar, 8).flatMap((bar) => placeRule(frame, px(bar), bar.toLocaleString("en-US"))),
      band("p5", "p95"),
      band("p25", "p75"),
      { kind: "path", points: along((one) => one.p50), ink: "strategy", width: 2 },
      { kind: "line", from: [frame.left, py(1)], to: [frame.right, py(1)], ink: "benchmark", dashed: true },
    ],
  };
}
