import { sampleBars } from "@tapedeck/formula";
import { registry, runKernel } from "@tapedeck/quant";
import { describe, expect, test } from "vitest";
import { readProviderCall, technicalIndicators } from "./technicalIndicators.ts";

const bars = sampleBars(400);

describe("values of technicalindicators", () => {
  test.each([
    ["ti.sma(close, 20)", "sma", [20]],
    ["ti.ema(close, 20)", "ema", [20]],
    ["ti.wma(close, 20)", "wma", [20]],
  ])("%s are each on their bar: they agree with ours", async (text, kernel, params) => {
    const got = await readProviderCall(text).compute(bars);
    const ours = runKernel(registry.get(kernel)!, [bars.close], params)[0]!;
    expect(got).toHaveLength(400);
    ours.forEach((v, i) => {
      if (Number.isNaN(v)) expect(got[i]).toBeNaN();
      else expect(got[i]).toBeCloseTo(v, 9);
    });
  });

  test.each(Object.keys(technicalIndicators))("ti.%s gives a value for every output", async (name) => {
    for (const output of technicalIndicators[name]!.outputs) {
      const chosen = output === "value" ? "" : `.${output}`;
      const got = await readProviderCall(`ti.${name}()${chosen}`).compute(bars);
      expect(got).toHaveLength(400);
      expect(got.at(-1)).not.toBeNaN();
    }
  });

  test("are of the series that are given", async () => {
    const high = await readProviderCall("ti.sma(high, 5)").compute(bars);
    const last = bars.high.slice(-5).reduce((a, b) => a + b) / 5;
    expect(high.at(-1)).toBeCloseTo(last, 9);
  });
});

test.each([
  ["ti.rssi(close, 14)", 4, /ti has no rssi.*did you mean rsi/],
  ["ti.rsi", 4, /stands alone/],
  ["ti.rsi(close, 14) > 50", 4, /stands alone/],
  ["ti.macd(close).hist", 16, /no output hist \(it has MACD, signal, histogram\)/],
  ["ti.atr(close, 14)", 4, /other series are needed: ti.atr\(high, low, close, period: 14\)/],
  ["ti.sma(hl2, 14)", 8, /hl2 is no column/],
  ["ti.sma(close, 14, 3)", 19, /too many arguments/],
  ["ti.sma(close, 0)", 15, /period must be a number above 0/],
  ["ti.sma(close, n: 3)", 15, /arguments go by place/],
])("%s is refused at column %i", (text, column, message) => {
  let caught: unknown;
  try {
    readProviderCall(text);
  } catch (error) {
    caught = error;
  }
  expect(caught).toMatchObject({ column, message: expect.stringMatching(message) as string });
});
