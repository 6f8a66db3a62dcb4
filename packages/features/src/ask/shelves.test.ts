import { filingPages } from "@tapedeck/text/filings/fixture";
import { expect, test } from "vitest";
import { createShelves } from "./shelves.ts";

test("what was made is kept, within a number of pages; what was used longest ago goes first", () => {
  const shelves = createShelves(10);
  const pages = filingPages.slice(0, 4);
  const read: string[] = [];
  const get = (key: string, count = 4) =>
    shelves.get(key, () => {
      read.push(key);
      return pages.slice(0, count);
    });
  const first = get("a");
  expect(first.search()).toBe(first.search());
  expect(get("a")).toBe(first);
  get("b");
  get("a");
  get("c");
  expect(shelves.held).toBe(8);
  expect(get("a")).toBe(first);
  get("b");
  expect(read).toEqual(["a", "b", "c", "b"]);
});

test("more pages than may be kept are read each time", () => {
  const shelves = createShelves(3);
  const all = () => filingPages.slice(0, 4);
  expect(shelves.get("a", all)).not.toBe(shelves.get("a", all));
  expect(shelves.held).toBe(0);
});
