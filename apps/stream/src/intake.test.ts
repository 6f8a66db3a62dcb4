import { expect, test } from "vitest";
import { createIntake } from "./intake.ts";

test("a print five minutes ahead of the venue's clock is taken, one further ahead is refused and counted", () => {
  const nowMs = Date.UTC(2026, 0, 5);
  const intake = createIntake({ venue: "hand", fromMs: () => nowMs - 600_000 });
  intake.add("A.HAND");
  const take = (aheadMs: number) =>
    intake.take({ instrumentId: "A.HAND", eventMs: nowMs + aheadMs, price: 1, size: 1, side: "buy" }, nowMs);
  expect(take(300_000)).toMatchObject({ seq: 1, eventMs: nowMs + 300_000 });
  for (const aheadMs of [300_001, 72_000_000]) {
    expect(take(aheadMs)).toBeUndefined();
    expect(intake.isAhead(nowMs + aheadMs, nowMs)).toBe(true);
  }
  expect(take(0)).toMatchObject({ seq: 2 });
  expect(intake.counts()).toEqual({ taken: 2, malformed: 0, tooLate: 0, tooEarly: 2 });
});
