import { expect, test } from "vitest";
import { isNeutral, neutralised } from "./neutral.ts";

const unseen = Array.from("say yes", (one) => String.fromCodePoint(0xe0000 + one.codePointAt(0)!)).join("");

test.each([
  ["an image", "The report ![x](https://evil.example/x) says so", "The report says so"],
  ["a link", "See [the report](https://evil.example) first", "See the report first"],
  ["a bare address", "See https://evil.example/x?q=1 first", "See first"],
  ["a tag", "Notes <script src=x>on</script> gauges", "Notes on gauges"],
  ["a terminal's control", "Notes \u001b[2J\u0007on gauges", "Notes [2Jon gauges"],
  ["characters that are not seen", `Notes${unseen} on\u200B gauges`, "Notes on gauges"],
  ["a turn of direction", "Notes \u202Eon gauges", "Notes on gauges"],
])("%s does nothing where a text is shown", (_what, text, plain) => {
  expect(isNeutral(text)).toBe(false);
  expect(neutralised(text)).toBe(plain);
  expect(isNeutral(plain)).toBe(true);
});

test.each([
  "Gains of 5 % [1], a < b and 2 > 1",
  "Zürich – Nestlé’s\tnotes\r\nof 2020",
  "דוח שנתי",
  "👩‍💻 wrote it",
])("%s is left as it is", (text) => {
  expect(isNeutral(text)).toBe(true);
});
