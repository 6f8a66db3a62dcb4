import { expect, test } from "vitest";
import { payloadOf } from "./analyze.ts";

const members = {
  y: { type: "string", format: "instrument" },
  zWindow: { type: "integer" },
  instruments: { type: "array", items: { type: "string", format: "instrument" } },
  formulas: { type: "array", items: { type: "string", format: "formula" } },
  weights: { type: "array", items: { type: "number" } },
  groups: { type: "array", items: { type: "object" } },
  of: {},
};

test.each([
  [["--y", "SPY.XNYS", "--z-window", "60"], { y: "SPY.XNYS", zWindow: 60 }],
  [["--zWindow", "60"], { zWindow: 60 }],
  [["--instruments", "SPY, IWM"], { instruments: ["SPY", "IWM"] }],
  [["--formulas", "sma(close, 50); rsi(close, 14)"], { formulas: ["sma(close, 50)", "rsi(close, 14)"] }],
  [["--weights", "0.5,0.5"], { weights: [0.5, 0.5] }],
  [["--groups", '[{"name":"a"}]'], { groups: [{ name: "a" }] }],
  [["--of", '{"kind":"account"}'], { of: { kind: "account" } }],
])("%j is %j", (words, payload) => {
  expect(payloadOf(words, members)).toEqual(payload);
});

test.each([
  [["--q", "1"], "there are --y, --zWindow"],
  [["SPY"], "has no SPY"],
  [["--y"], "--y needs a value"],
  [["--of", "{kind}"], "--of is not JSON"],
])("%j is refused", (words, message) => {
  expect(() => payloadOf(words, members)).toThrow(message);
});
