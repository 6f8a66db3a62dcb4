import { expect, test } from "vitest";
import { createSequence } from "./sequence.ts";

test("a venue that counts anew is followed from its first number; what repeats old trades is not taken for it", () => {
  const holes = [
    { fromId: 3, toId: 4, sinceMs: 1 },
    { fromId: 900, toId: 910, sinceMs: 1 },
  ];
  const sequence = createSequence({ last: { tradeId: 1_000, eventMs: 100 }, holes });
  const kindOf = (tradeId: number, eventMs: number) => sequence.take({ tradeId, eventMs }).kind;
  // Another connection that is behind, and then two that send the same.
  for (let id = 911; id <= 1_000; id++) expect(kindOf(id, id - 900)).toBe("duplicate");
  for (let id = 11; id < 20; id++)
    expect([kindOf(id, 90 + id), kindOf(id, 90 + id)]).toEqual(["duplicate", "duplicate"]);
  const hole = { fromId: 11, toId: 19, sinceMs: 101 };
  expect(sequence.take({ tradeId: 20, eventMs: 110 })).toEqual({ kind: "gap", hole });
  expect(sequence.holes()).toEqual([holes[0], hole]);
  expect(sequence.takeLost()).toEqual([holes[1]]);
  expect(sequence.takeLost()).toEqual([]);
  expect([kindOf(11, 101), kindOf(11, 101), kindOf(21, 111)]).toEqual(["new", "duplicate", "new"]);
});

test("after one wrong number that is far too high, the trades that were passed over are a hole", () => {
  const sequence = createSequence({ last: { tradeId: 100, eventMs: 1 }, holes: [] });
  sequence.take({ tradeId: 9_000_000_000_000, eventMs: 2 });
  sequence.forget(sequence.holes()[0]!);
  const kinds = Array.from(
    { length: 12 },
    (_, i) => sequence.take({ tradeId: 101 + i, eventMs: 3 + Math.floor(i / 5) }).kind,
  );
  expect(kinds).toEqual([...Array.from({ length: 9 }, () => "duplicate"), "gap", "new", "new"]);
  expect(sequence.place()).toEqual({
    last: { tradeId: 112, eventMs: 5 },
    holes: [{ fromId: 101, toId: 109, sinceMs: 3 }],
  });
});

test("no more than 500 holes are kept: the oldest are given up, where a trade splits one too", () => {
  const sequence = createSequence(undefined);
  for (let id = 0; id <= 4_000; id += 4) sequence.take({ tradeId: id, eventMs: id });
  const lost = sequence.takeLost();
  expect(lost.map(({ fromId }) => fromId)).toEqual(Array.from({ length: 500 }, (_, i) => 4 * i + 1));
  expect(sequence.place()?.holes).toHaveLength(500);
  expect(sequence.take({ tradeId: 3_998, eventMs: 3_998 }).kind).toBe("new");
  expect(sequence.takeLost()).toEqual([{ fromId: 2_001, toId: 2_003, sinceMs: 2_000 }]);
  expect(sequence.holes().slice(-2)).toEqual([
    { fromId: 3_997, toId: 3_997, sinceMs: 3_996 },
    { fromId: 3_999, toId: 3_999, sinceMs: 3_998 },
  ]);
});
