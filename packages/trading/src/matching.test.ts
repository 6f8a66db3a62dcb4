import { decimal } from "@tapedeck/core";
import { expect, test } from "vitest";
import { availableVolume, matchBar } from "./matching.ts";

const bar = { open: 100, high: 105, low: 95, volume: 1_000 };
const order = { type: "limit", quantity: decimal(10), timeInForce: "gtc" } as const;

test.each([
  ["buy at the open when it opens below the limit", "buy", "101", "100"],
  ["buy at the limit when traded through", "buy", "96", "96"],
  ["buy touched only", "buy", "95", undefined],
  ["buy below the bar", "buy", "94", undefined],
  ["sell at the open when it opens above the limit", "sell", "99", "100"],
  ["sell at the limit when traded through", "sell", "104", "104"],
  ["sell touched only", "sell", "105", undefined],
] as const)("limit: %s", (_name, side, limit, price) => {
  const match = matchBar({ ...order, side, limitPrice: decimal(limit) }, bar, undefined, decimal(50));
  expect(match.fill?.price.toFixed()).toBe(price);
});

test.each([
  ["buy", "100.05"],
  ["sell", "99.95"],
] as const)("market %s pays the slippage", (side, price) => {
  const match = matchBar({ ...order, type: "market", side }, bar, undefined, decimal(5));
  expect(match.fill?.price.toFixed()).toBe(price);
});

test("market prices are rounded against the order", () => {
  const third = { ...bar, open: 1 / 3 };
  expect(
    matchBar({ ...order, type: "market", side: "buy" }, third, undefined, decimal(0)).fill?.price.toFixed(),
  ).toBe("0.3333333334");
  expect(
    matchBar({ ...order, type: "market", side: "sell" }, third, undefined, decimal(0)).fill?.price.toFixed(),
  ).toBe("0.3333333333");
});

test.each([
  ["gtc", "4", "4", false],
  ["ioc", "4", "4", true],
  ["fok", "4", undefined, true],
  ["fok", "10", "10", false],
  ["ioc", "0", undefined, true],
  ["gtc", "0", undefined, false],
] as const)("%s with %s available", (timeInForce, available, quantity, cancelRest) => {
  const match = matchBar(
    { ...order, type: "market", side: "buy", timeInForce },
    bar,
    decimal(available),
    decimal(0),
  );
  expect(match.fill?.quantity.toFixed()).toBe(quantity);
  expect(match.cancelRest).toBe(cancelRest);
});

test("volume: a share of the bar less what was used, never negative; no statement, no cap", () => {
  expect(availableVolume(1_000, decimal("0.1"), decimal(30))?.toFixed()).toBe("70");
  expect(availableVolume(1_000, decimal("0.1"), decimal(300))?.toFixed()).toBe("0");
  expect(availableVolume(0, decimal("0.1"), decimal(0))?.toFixed()).toBe("0");
  expect(availableVolume(Number.NaN, decimal("0.1"), decimal(0))).toBeUndefined();
});
