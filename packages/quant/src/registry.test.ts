import { describe, expect, test } from "vitest";
import { createLiveKernel, defaultsOf, registry, runKernel, startKernel } from "./index.ts";
import type { Kernel } from "./index.ts";

/** A seeded generator of numbers in [0, 1). */
function random(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 4294967296;
  };
}

type Bars = Readonly<Record<string, Float64Array>>;

function bars(n: number, seed: number): Bars {
  const next = random(seed);
  const make = (): Float64Array => new Float64Array(n);
  const b = {
    openMs: make(),
    open: make(),
    high: make(),
    low: make(),
    close: make(),
    volume: make(),
    periods: make(),
  };
  let last = 100;
  for (let i = 0; i < n; i++) {
    const open = last;
    last *= 1 + (next() - 0.5) / 25;
    b.openMs[i] = 1_600_000_000_000 + i * 3_600_000;
    b.open[i] = open;
    b.close[i] = last;
    b.high[i] = Math.max(open, last) * (1 + next() / 100);
    b.low[i] = Math.min(open, last) * (1 - next() / 100);
    b.volume[i] = Math.floor(next() * 1000) + 1;
    b.periods[i] = 2 + (i % 29);
  }
  return b;
}

function inputsOf(kernel: Kernel, b: Bars): Float64Array[] {
  const other: Readonly<Record<string, string>> = {
    x: "close",
    y: "open",
    upper: "high",
    lower: "low",
    plus: "volume",
    minus: "high",
  };
  return kernel.inputs.map((name) => b[name] ?? b[other[name] ?? ""] ?? new Float64Array(0));
}

/** The defaults, and the smallest windows that the kernel allows. */
function parameterSets(kernel: Kernel): number[][] {
  const small = kernel.params.map((q) =>
    q.integer && q.max > 1000 ? Math.min(q.max, Math.max(q.min, Math.ceil(q.default / 4))) : q.default,
  );
  const sets = [defaultsOf(kernel)];
  try {
    kernel.check?.(small);
    if (small.some((v, i) => v !== sets[0]![i])) sets.push(small);
  } catch {
    // the small combination makes no sense for this kernel
  }
  return sets;
}

const cases = [...registry.values()].flatMap((kernel) =>
  parameterSets(kernel).map((p) => [`${kernel.name}(${p.join(", ")})`, kernel, p] as const),
);

function firstDifference(a: Float64Array, b: Float64Array, to = a.length): number {
  for (let i = 0; i < to; i++) if (!Object.is(a[i], b[i])) return i;
  return -1;
}

function runInSplits(
  kernel: Kernel,
  p: readonly number[],
  inputs: Float64Array[],
  next: () => number,
): Float64Array[] {
  const n = inputs[0]!.length;
  const outputs = kernel.outputs.map(() => new Float64Array(n));
  const run = startKernel(kernel, p);
  for (let at = 0; at < n;) {
    const to = Math.min(n, at + 1 + Math.floor(next() * (next() < 0.5 ? 4 : 400)));
    run.advance(inputs, outputs, at, to);
    at = to;
  }
  return outputs;
}

const N = 600;
const data = bars(N, 7);
const long = bars(9_000, 11);

describe.each(cases)("%s", (_name, kernel, p) => {
  const inputs = inputsOf(kernel, data);
  const whole = runKernel(kernel, inputs, p);

  test("any split of the bars gives the same bits", () => {
    const one = startKernel(kernel, p);
    const outputs = kernel.outputs.map(() => new Float64Array(N));
    for (let i = 0; i < N; i++) one.advance(inputs, outputs, i, i + 1);
    outputs.forEach((out, k) => expect(firstDifference(out, whole[k]!)).toBe(-1));
    const longInputs = inputsOf(kernel, long);
    const longWhole = runKernel(kernel, longInputs, p);
    runInSplits(kernel, p, longInputs, random(3)).forEach((out, k) =>
      expect(firstDifference(out, longWhole[k]!)).toBe(-1),
    );
  });

  test(
    kernel.lookAhead
      ? "a cut of later bars changes values: it looks ahead"
      : "a cut of later bars changes nothing",
    () => {
      const changed = [1, 2, 37, 150, 420].map((cut) => {
        const part = runKernel(
          kernel,
          inputs.map((x) => x.slice(0, cut)),
          p,
        );
        return part.some((out, k) => firstDifference(out, whole[k]!, cut) !== -1);
      });
      expect(changed.includes(true)).toBe(kernel.lookAhead === true);
    },
  );

  test("the warm-up is as long as stated", () => {
    whole.forEach((out, k) => {
      const first = out.findIndex((v) => !Number.isNaN(v));
      const leading = first < 0 ? N : first;
      // a reversal or a session may take longer than the least
      if (kernel.name.startsWith("zigzag")) expect(leading).toBeGreaterThanOrEqual(kernel.warmup(p, k));
      else expect(leading).toBe(Math.min(N, kernel.warmup(p, k)));
    });
  });

  test("a NaN blanks its bar and restarts the kernel", () => {
    if (kernel.lookAhead) return;
    const at = 311;
    inputs.forEach((_, which) => {
      const holed = inputs.map((x, i) => (i === which ? x.with(at, NaN) : x));
      const got = runKernel(kernel, holed, p);
      const after = runKernel(
        kernel,
        inputs.map((x) => x.slice(at + 1)),
        p,
      );
      got.forEach((out, k) => {
        expect(firstDifference(out, whole[k]!, at)).toBe(-1);
        expect(out[at]).toBeNaN();
        expect(firstDifference(out.slice(at + 1), after[k]!)).toBe(-1);
      });
    });
  });

  test("short inputs give as many bars, and no value before the warm-up", () => {
    for (const n of [0, 1, 2, 5]) {
      const got = runKernel(
        kernel,
        inputs.map((x) => x.slice(0, n)),
        p,
      );
      got.forEach((out, k) => {
        expect(out).toHaveLength(n);
        const early = out.slice(0, Math.min(n, kernel.warmup(p, k)));
        expect(early.every(Number.isNaN)).toBe(true);
      });
    }
  });

  test("live bars need no more than the stated lookback", () => {
    if (kernel.lookAhead) {
      expect(() => createLiveKernel(kernel, p)).toThrow(/looks ahead/);
      return;
    }
    const live = createLiveKernel(kernel, p);
    for (let i = 0; i < N; i++) {
      const got = live.push(inputs.map((x) => x[i]!));
      for (let k = 0; k < got.length; k++) {
        if (!Object.is(got[k], whole[k]![i]))
          throw new Error(`bar ${i}: ${got[k]} instead of ${whole[k]![i]}`);
      }
    }
  });

  test("inputs are left as they were", () => {
    const copies = inputs.map((x) => x.slice());
    runKernel(kernel, copies, p);
    copies.forEach((x, k) => expect(firstDifference(x, inputs[k]!)).toBe(-1));
  });

  test("flat prices without volume give no infinity and no denormal number", () => {
    const flat = Object.fromEntries(
      Object.entries(bars(5_000, 5)).map(([name, x]) => [
        name,
        name === "openMs" || name === "periods"
          ? x
          : x.map((v, i) => (i < 200 ? v : name === "volume" ? 0 : 50)),
      ]),
    );
    runKernel(kernel, inputsOf(kernel, flat), p).forEach((out) => {
      const odd = out.findIndex((v) => Math.abs(v) === Infinity || (v !== 0 && Math.abs(v) < 1e-290));
      expect(odd === -1 ? undefined : `${out[odd]} at ${odd}`).toBeUndefined();
    });
  });
});

test("there are at least 150 kernels, each described", () => {
  expect(registry.size).toBeGreaterThanOrEqual(150);
  for (const k of registry.values()) {
    expect(k.name).toMatch(/^[a-z][a-z0-9]*$/);
    expect(k.title.length).toBeGreaterThan(2);
    expect(k.meaning).toMatch(/\.$/);
    expect(k.source).toMatch(/\.$/);
    expect(new Set([...k.params.map((q) => q.name), ...k.inputs]).size).toBe(
      k.params.length + k.inputs.length,
    );
  }
});

test.each([
  ["rsi", [1], /n must be from 2/],
  ["rsi", [14.5], /whole number/],
  ["rsi", [14, 3], /takes 1 parameters/],
  ["hurst", [20, 2, 20], /at most n - 2/],
])("%s(%j) is refused", (name, p, message) => {
  expect(() => startKernel(registry.get(name)!, p)).toThrow(message);
});

test("columns of unequal length are refused", () => {
  expect(() =>
    runKernel(registry.get("atr")!, [new Float64Array(3), new Float64Array(4), new Float64Array(3)]),
  ).toThrow(/differ in length/);
});

test("RSI stays at most 100, and below 100 within 400 bars of a fall", () => {
  const close = Float64Array.from({ length: 900 }, (_, i) => (i < 100 ? 100 - i / 10 : 90 + (i - 100)));
  const rsi = runKernel(registry.get("rsi")!, [close], [14])[0]!;
  for (let i = 14; i < 900; i++) expect(rsi[i]!).toBeLessThanOrEqual(100);
  for (let i = 14; i < 500; i++) expect(rsi[i]!).toBeLessThan(100);
});

test("variance keeps its digits at 1e9 and forgets a spike", () => {
  const next = random(9);
  const x = Float64Array.from({ length: 3_000 }, (_, i) => 1e9 + next() + (i === 1500 ? 1e12 : 0));
  const got = runKernel(registry.get("var")!, [x], [20, 0])[0]!;
  for (let i = 19; i < x.length; i++) {
    if (i >= 1500 && i < 1520) continue;
    const w = Array.from(x.slice(i - 19, i + 1), (v) => v - 1e9);
    const mean = w.reduce((a, b) => a + b, 0) / 20;
    const exact = w.reduce((a, b) => a + (b - mean) ** 2, 0) / 20;
    expect(Math.abs(got[i]! - exact)).toBeLessThan(1e-10 * exact + 1e-15);
  }
});
