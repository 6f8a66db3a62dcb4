import { expect, test } from "vitest";
import { isWithoutQuery, withoutQuery } from "./url.ts";

test.each([
  ["https://a.example/hook", "https://a.example/hook"],
  ["https://a.example/hook?token=t&x=1", "https://a.example/hook?[redacted]"],
  ["https://a.example/hook#token", "https://a.example/hook?[redacted]"],
])("%s is shown as %s", (address, shown) => {
  expect(withoutQuery(address)).toBe(shown);
  expect(isWithoutQuery(shown)).toBe(shown !== address);
  expect(isWithoutQuery(address)).toBe(false);
});
