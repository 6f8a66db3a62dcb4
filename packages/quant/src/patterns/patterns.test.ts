import { describe, expect, test } from "vitest";
import { registry, runKernel } from "../index.ts";

type Bar = readonly [open: number, high: number, low: number, close: number];

/** Fourteen alike white bars with a body of 4 in a range of 6, then the bars given. */
function after(...bars: readonly Bar[]): Float64Array[] {
  const plain: readonly Bar[] = Array.from({ length: 14 }, () => [98, 103, 97, 102] as const);
  const all = [...plain, ...bars];
  return [0, 1, 2, 3].map((k) => Float64Array.from(all, (b) => b[k]!));
}

function valueOf(name: string, ...bars: readonly Bar[]): number {
  return runKernel(registry.get(name)!, after(...bars))[0]!.at(-1)!;
}

test("there are 61 candlestick patterns", () => {
  expect([...registry.values()].filter((k) => k.group === "pattern")).toHaveLength(61);
});

describe("shapes drawn by hand", () => {
  test.each<[string, Bar[], number]>([
    ["cdldoji", [[100, 103, 97, 100.5]], 100],
    ["cdldoji", [[100, 103, 97, 101]], 0],
    ["cdlmarubozu", [[90, 100, 90, 100]], 100],
    ["cdlmarubozu", [[100, 100, 90, 90]], -100],
    ["cdlhammer", [[97, 98.4, 90, 98]], 100],
    ["cdlshootingstar", [[104, 112, 103.5, 105]], -100],
    [
      "cdlengulfing",
      [
        [100, 101, 97, 98],
        [97, 102, 96, 101],
      ],
      100,
    ],
    [
      "cdlengulfing",
      [
        [100, 101, 97, 98],
        [97, 102, 96, 100],
      ],
      80,
    ],
    [
      "cdlengulfing",
      [
        [100, 101, 97, 98],
        [98, 102, 96, 100],
      ],
      0,
    ],
    // the two that never occur in the reference data
    [
      "cdl3starsinsouth",
      [
        [110, 111, 90, 101],
        [107, 107, 97, 100],
        [100, 100, 98, 98],
      ],
      100,
    ],
    [
      "cdlconcealbabyswall",
      [
        [110, 110, 104, 104],
        [103, 103, 97, 97],
        [94, 98, 92, 93],
        [99, 99, 91, 92],
      ],
      100,
    ],
  ])("%s of %j is %d", (name, bars, value) => {
    expect(valueOf(name, ...bars)).toBe(value);
  });

  test("a hikkake is confirmed by one of the next three closes, once", () => {
    const bars: Bar[] = [
      [100, 110, 90, 101],
      [100, 105, 95, 101],
      [100, 104, 94, 96],
      [96, 103, 95, 97],
      [97, 107, 94.5, 106],
      [106, 109, 94.6, 108],
    ];
    const got = runKernel(registry.get("cdlhikkake")!, after(...bars))[0]!;
    expect(Array.from(got.slice(16))).toEqual([100, 0, 200, 0]);
  });
});

/** A random walk in coarse steps with gaps: every shape occurs. */
function walk(n: number): Float64Array[] {
  let s = 3;
  const next = (): number => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 4294967296;
  };
  const columns = [0, 1, 2, 3].map(() => new Float64Array(n));
  let last = 1000;
  for (let i = 0; i < n; i++) {
    const open = last + (next() < 0.5 ? 0 : 8 * (next() - 0.5));
    const size = next() < 0.3 ? 0.4 : 12;
    const close = open + size * (next() - 0.5) * (next() < 0.2 ? 3 : 1);
    columns[0]![i] = open;
    columns[1]![i] = Math.max(open, close) + (next() < 0.5 ? 0.01 : 4 * next());
    columns[2]![i] = Math.min(open, close) - (next() < 0.5 ? 0.01 : 4 * next());
    columns[3]![i] = close;
    last = close;
  }
  return columns;
}

const bars = walk(40_000);
const negative = bars.map((x) => x.map((v) => -v));
const mirrored = [negative[0]!, negative[2]!, negative[1]!, negative[3]!];

// counterpart of a pattern when up and down are exchanged; itself where only the sign turns
test.each([
  ["cdl3inside", "cdl3inside"],
  ["cdl3linestrike", "cdl3linestrike"],
  ["cdl3outside", "cdl3outside"],
  ["cdlbelthold", "cdlbelthold"],
  ["cdlclosingmarubozu", "cdlclosingmarubozu"],
  ["cdldojistar", "cdldojistar"],
  ["cdlengulfing", "cdlengulfing"],
  ["cdlharami", "cdlharami"],
  ["cdlharamicross", "cdlharamicross"],
  ["cdlhikkake", "cdlhikkake"],
  ["cdlhikkakemod", "cdlhikkakemod"],
  ["cdllongline", "cdllongline"],
  ["cdlseparatinglines", "cdlseparatinglines"],
  ["cdlspinningtop", "cdlspinningtop"],
  ["cdlxsidegap3methods", "cdlxsidegap3methods"],
  ["cdleveningstar", "cdlmorningstar"],
  ["cdleveningdojistar", "cdlmorningdojistar"],
])("%s of exchanged bars is minus %s", (name, other) => {
  const up = runKernel(registry.get(other)!, bars)[0]!;
  const down = runKernel(registry.get(name)!, mirrored)[0]!;
  const differ = up.findIndex((v, i) => v === v && v + down[i]! !== 0);
  expect(differ === -1 ? undefined : `bar ${differ}: ${up[differ]} and ${down[differ]}`).toBeUndefined();
  expect(up.filter((v) => v !== 0 && v === v).length).toBeGreaterThan(2);
});
