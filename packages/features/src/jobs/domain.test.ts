import fc from "fast-check";
import { expect, test } from "vitest";
import { checkCallbackUrl, contentKey, defaultLimits, queueRank, retryDelay } from "./domain.ts";

/** BullMQ takes priorities up to this; 0 would run before all others. */
const greatestRank = 2_097_151;

test("ranks order by priority first and backlog second, within what the queue takes", () => {
  const priority = fc.integer({ min: 1, max: 10 });
  const backlog = fc.nat({ max: 1_000_000 });
  fc.assert(
    fc.property(priority, backlog, priority, backlog, (p1, b1, p2, b2) => {
      const [a, b] = [queueRank(p1, b1), queueRank(p2, b2)];
      expect(a).toBeGreaterThanOrEqual(1);
      expect(a).toBeLessThanOrEqual(greatestRank);
      if (p1 < p2) expect(a).toBeLessThan(b);
      if (p1 === p2 && b1 < b2) expect(a).toBeLessThanOrEqual(b);
    }),
  );
});

test("the pause before a retry doubles up to its cap, of which at most half is taken off", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (n, draw) => {
        const full = Math.min(defaultLimits.maxBackoffMs, defaultLimits.backoffMs * 2 ** (n - 1));
        const delay = retryDelay(n, defaultLimits, () => draw);
        expect(delay).toBeGreaterThanOrEqual(Math.floor(full / 2));
        expect(delay).toBeLessThanOrEqual(full);
      },
    ),
  );
});

test("a content address depends on every part, and not on the order of members", () => {
  const parts = {
    tenantId: "t",
    type: "analyze",
    version: 1,
    payload: { a: 1, b: 2 },
    hashes: ["x"],
    seed: 0,
  };
  const key = contentKey(parts);
  expect(contentKey({ ...parts, payload: { b: 2, a: 1 } })).toBe(key);
  const others = [
    { ...parts, tenantId: "u" },
    { ...parts, type: "backtest" },
    { ...parts, version: 2 },
    { ...parts, payload: { a: 1, b: 3 } },
    { ...parts, hashes: ["y"] },
    { ...parts, hashes: ["x", "x"] },
    { ...parts, seed: 1 },
  ].map(contentKey);
  expect(new Set([key, ...others]).size).toBe(others.length + 1);
});

test.each(["ftp://example.com", "javascript:alert(1)", "example.com", "https://user:secret@example.com/"])(
  "%s is no callback address",
  (url) => {
    expect(() => checkCallbackUrl(url)).toThrow(/callbackUrl/);
  },
);
