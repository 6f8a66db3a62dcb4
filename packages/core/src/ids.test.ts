import { expect, test } from "vitest";
import { Id, newId } from "./ids.ts";

test("ids are UUIDv7, hold their time, and sort by creation also within a millisecond and past its 4,096", () => {
  const at = 1_795_255_156_585;
  let previous = "";
  for (let n = 0; n < 20_000; n++) {
    const id = newId(at);
    expect(id > previous).toBe(true);
    previous = id;
  }
  expect(Id.parse(previous)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const later = newId(at + 1_000);
  expect(Number.parseInt(later.replaceAll("-", "").slice(0, 12), 16)).toBe(at + 1_000);
});

test("ids of one process never meet, and their random part does not repeat", () => {
  const tails = new Set<string>();
  for (let n = 0; n < 5_000; n++) tails.add(newId(1_900_000_000_000 + n).slice(19));
  expect(tails.size).toBe(5_000);
});
