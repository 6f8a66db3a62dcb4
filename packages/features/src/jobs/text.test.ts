import fc from "fast-check";
import { expect, test } from "vitest";
import { cleanText, errorText, nonFinitePath, payloadText, producedText, unsafeTextPath } from "./text.ts";

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(fc.constantFrom("a", "\u0000", "\ud83d", "\ude00", "\ud83d\ude00", "\\u0000"), { maxLength: 12 })
    .map((parts) => parts.join("")),
);
const anyJson = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    anyText,
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(
      anyText.filter((key) => key !== "__proto__"),
      tie("value"),
      { maxKeys: 4 },
    ),
  ),
})).value;

test("clean text is whole and holds no U+0000, and text that was clean is unchanged", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const clean = cleanText(text);
      expect(unsafeTextPath(clean)).toBeUndefined();
      expect(cleanText(clean)).toBe(clean);
      if (unsafeTextPath(text) === undefined) expect(clean).toBe(text);
    }),
  );
});

test("what a program produced is stored without unsafe text, and otherwise as it is", () => {
  fc.assert(
    fc.property(anyJson, (value) => {
      const back = JSON.parse(producedText(value, "result")) as unknown;
      expect(unsafeTextPath(back)).toBeUndefined();
      if (unsafeTextPath(value) === undefined) expect(back).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("a payload is stored exactly, or refused when it holds unsafe text", () => {
  fc.assert(
    fc.property(anyJson, (value) => {
      if (unsafeTextPath(value) === undefined) expect(payloadText(value, 1e6)).toBe(JSON.stringify(value));
      else expect(() => payloadText(value, 1e6)).toThrow(/U\+0000/);
    }),
  );
});

test.each([
  [{ a: [1, Number.NaN] }, "/a/1"],
  [{ a: { b: Number.POSITIVE_INFINITY } }, "/a/b"],
  [Number.NEGATIVE_INFINITY, ""],
  [{ a: [1, "NaN", null] }, undefined],
])("%j has its first number that is not finite at %s", (value, path) => {
  expect(nonFinitePath(value)).toBe(path);
});

test("a payload's limit is in bytes, not characters", () => {
  expect(payloadText("é".repeat(4), 10)).toBe('"éééé"');
  expect(() => payloadText("é".repeat(5), 10)).toThrow(/12 bytes; this job type takes at most 10/);
});

test("an error is stored with a bounded message and details that JSON can hold", () => {
  const stored = (details: Record<string, unknown>, message = "no") =>
    JSON.parse(errorText({ code: "data.invalid", message, retryable: false, details })) as {
      message: string;
      details: Record<string, unknown>;
    };
  expect(stored({ line: 3 }).details).toEqual({ line: 3 });
  expect(stored({}, `a\u0000b${"x".repeat(10_000)}`).message).toMatch(/^abx{3998} …$/);
  expect(stored({ text: "y".repeat(70_000) }).details).toEqual({ leftOut: "they are 70011 bytes" });
  expect(stored({ text: "a\u0000" }).details).toEqual({
    leftOut: "they hold U+0000 or half a surrogate pair",
  });
  expect(stored({ value: Number.NaN }).details).toEqual({ leftOut: "they hold a number that is not finite" });
  expect(errorText({ code: "internal", message: "no", retryable: true })).toBe(
    '{"code":"internal","message":"no","retryable":true}',
  );
});
