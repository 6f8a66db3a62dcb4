/** Indicators over a million bars against TA-Lib (PEERS_PYTHON) and technicalindicators, by CPU time on one core. */
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as Technical from "technicalindicators";
import { createPool, registry, runKernel } from "../packages/quant/src/index.ts";
import { median, report } from "./figure.ts";

const BARS = 1_000_000;
const REPEATS = 15;
/** technicalindicators keeps objects: fewer bars say as much. */
const FEW = 100_000;

interface Columns {
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
}

/** A geometric walk of minute bars, rounded to cents, from a fixed seed. */
function walk(n: number): Columns {
  let s = 42;
  const next = (): number => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 4294967296;
  };
  const cents = (x: number): number => Math.floor(x * 100 + 0.5) / 100;
  const column = (): Float64Array => new Float64Array(n);
  const c = { open: column(), high: column(), low: column(), close: column(), volume: column() };
  let price = 10_000;
  for (let i = 0; i < n; i++) {
    const z = (next() + next() + next() + next() - 2) * 1.7320508075688772;
    const after = price * (1 + 0.0005 * z);
    c.high[i] = cents(Math.max(price, after) * (1 + 0.0005 * 0.5 * next()));
    c.low[i] = cents(Math.min(price, after) * (1 - 0.0005 * 0.5 * next()));
    c.volume[i] = 1 + Math.floor(1000 * next());
    c.open[i] = cents(price);
    c.close[i] = cents(after);
    price = after;
  }
  return c;
}

const data = walk(BARS);
const hlc = [data.high, data.low, data.close];
const works: readonly (readonly [name: string, kernel: string, inputs: Float64Array[], p: number[]])[] = [
  ["sma20", "sma", [data.close], [20]],
  ["ema20", "ema", [data.close], [20]],
  ["rsi14", "rsi", [data.close], [14]],
  ["macd", "macd", [data.close], [12, 26, 9]],
  ["bbands20", "bbands", [data.close], [20, 2, 2, 0]],
  ["atr14", "atr", hlc, [14]],
  ["adx14", "adx", hlc, [14]],
  ["stoch", "stoch", hlc, [14, 3, 0, 3, 0]],
];

/** Million values a second of CPU time. */
function rate(bars: number, run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return bars / (user + system);
}

function measureOurs(): Map<string, number[]> {
  const pool = createPool(8);
  const rates = new Map<string, number[]>();
  for (const [name, kernelName, inputs, p] of works) {
    const kernel = registry.get(kernelName)!;
    const run = (): void => {
      for (const column of runKernel(kernel, inputs, p, { pool, clean: true })) pool.give(column);
    };
    for (let i = 0; i < 5; i++) run();
    rates.set(
      name,
      Array.from({ length: REPEATS }, () => rate(BARS, run)),
    );
  }
  return rates;
}

interface PeerRates {
  readonly version: string;
  readonly rates: Map<string, number[]>;
}

function measureTalib(python: string): PeerRates {
  const folder = mkdtempSync(join(tmpdir(), "tapedeck-bench-"));
  const file = join(folder, "bars.f64");
  writeFileSync(
    file,
    Buffer.concat(
      [data.open, data.high, data.low, data.close, data.volume].map((x) => Buffer.from(x.buffer)),
    ),
  );
  const script = join(import.meta.dirname, "indicators_peer.py");
  const found = spawnSync(python, [script, file, String(BARS), String(REPEATS)], { encoding: "utf8" });
  rmSync(folder, { recursive: true });
  if (found.status !== 0) throw new Error(`the peer failed: ${found.stderr || found.error?.message}`);
  const lines = found.stdout.trim().split("\n");
  const parsed = lines.map((l) => JSON.parse(l) as { name: string; rates: number[]; version: string });
  return { version: `TA-Lib ${parsed[0]!.version}`, rates: new Map(parsed.map((l) => [l.name, l.rates])) };
}

function measureTechnical(): PeerRates {
  const [high, low, close] = [data.high, data.low, data.close].map((x) => Array.from(x.subarray(0, FEW)));
  const t = createRequire(import.meta.url)("technicalindicators") as typeof Technical;
  const [h, l, c] = [high!, low!, close!];
  const calls: Readonly<Record<string, () => unknown>> = {
    sma20: () => t.SMA.calculate({ period: 20, values: c }),
    ema20: () => t.EMA.calculate({ period: 20, values: c }),
    rsi14: () => t.RSI.calculate({ period: 14, values: c }),
    macd: () =>
      t.MACD.calculate({
        values: c,
        fastPeriod: 12,
        slowPeriod: 26,
        signalPeriod: 9,
        SimpleMAOscillator: false,
        SimpleMASignal: false,
      }),
    bbands20: () => t.BollingerBands.calculate({ period: 20, values: c, stdDev: 2 }),
    atr14: () => t.ATR.calculate({ period: 14, high: h, low: l, close: c }),
    adx14: () => t.ADX.calculate({ period: 14, high: h, low: l, close: c }),
    stoch: () => t.Stochastic.calculate({ period: 14, signalPeriod: 3, high: h, low: l, close: c }),
  };
  const rates = new Map<string, number[]>();
  for (const [name, call] of Object.entries(calls)) {
    call();
    rates.set(
      name,
      Array.from({ length: 3 }, () => rate(FEW, () => void call())),
    );
  }
  return { version: "technicalindicators 3.1.0", rates };
}

const ours = measureOurs();
const python = process.env["PEERS_PYTHON"];
const unit = "million values a second of CPU time";
if (python) {
  const peer = measureTalib(python);
  const ratios: number[] = [];
  for (const [name, rates] of ours) {
    const theirs = peer.rates.get(name)!;
    ratios.push(median(rates) / median(theirs));
    report({
      figure: `indicator ${name}`,
      unit,
      ours: rates,
      peer: "TA-Lib",
      peerVersion: peer.version,
      theirs,
      aim: 0.8,
    });
  }
  const mean = Math.exp(ratios.reduce((a, r) => a + Math.log(r), 0) / ratios.length);
  report({
    figure: "indicators, geometric mean over TA-Lib",
    unit: "ratio",
    ours: [mean],
    peer: "TA-Lib",
    peerVersion: peer.version,
    theirs: [1],
    aim: 1.3,
  });
} else console.error("TA-Lib is left out: PEERS_PYTHON names no Python with TA-Lib");
const slow = measureTechnical();
for (const [name, rates] of ours) {
  report({
    figure: `indicator ${name}`,
    unit,
    ours: rates,
    peer: "technicalindicators",
    peerVersion: slow.version,
    theirs: slow.rates.get(name),
    aim: 50,
  });
}
