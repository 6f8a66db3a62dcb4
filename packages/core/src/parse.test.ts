import { describe, expect, test } from "vitest";
import * as z from "zod";
import { DecimalString } from "./decimal.ts";
import { Id } from "./ids.ts";
import { checkInput, parseInput } from "./parse.ts";
import { EpochMs, Timeframe } from "./time.ts";

const Payload = z.strictObject({
  name: z.string().min(1).max(5).optional(),
  count: z.int().min(1).max(5).optional(),
  share: z.number().gt(0).optional(),
  kind: z.enum(["bars", "trades"]).optional(),
  id: Id.optional(),
  from: EpochMs.optional(),
  timeframe: Timeframe.optional(),
  tags: z.array(z.string()).max(2).optional(),
  on: z.boolean().optional(),
  columns: z.partialRecord(z.enum(["open", "close"]), z.string()).optional(),
  amount: DecimalString.optional(),
  source: z
    .discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("upload"), uploadId: Id }),
      z.strictObject({ kind: z.literal("bundled"), name: z.enum(["sp500", "stocks"]) }),
    ])
    .optional(),
  rule: z.union([z.string(), z.strictObject({ entry: z.string() })]).optional(),
  of: z
    .union([
      z.strictObject({ one: z.string(), size: z.strictObject({ least: z.number() }) }),
      z.strictObject({ several: z.array(z.string()), size: z.strictObject({ least: z.number() }) }),
      z.strictObject({ kind: z.literal("all"), size: z.strictObject({ least: z.number() }) }),
    ])
    .optional(),
});

describe("a message says where, what is wrong and what is allowed", () => {
  test.each<[unknown, string]>([
    [7, "the body must be an object, not number 7."],
    [[], "the body must be an object, not a list."],
    [{ name: 7 }, "name must be text, not number 7."],
    [{ name: "" }, "name must be text of at least 1 character, not 0."],
    [{ name: "secret-text" }, "name must be text of at most 5 characters, not 11."],
    [{ count: 0 }, "count must be at least 1, not 0."],
    [{ count: 2.5 }, "count must be a whole number, not number 2.5."],
    [{ count: "2" }, "count must be a number, not text."],
    [{ share: 0 }, "share must be more than 0, not 0."],
    [{ kind: "bar" }, 'kind must be one of bars, trades, not "bar"; did you mean bars?'],
    [{ kind: null }, "kind must be one of bars, trades, not null."],
    [{ id: "x" }, "id must be a UUID."],
    [
      { from: "yesterday" },
      "from must be a number or a time such as 2020-01-31T14:30:00Z or a date such as 2020-01-31, not text.",
    ],
    [{ timeframe: "daily" }, "timeframe: a timeframe is a number and s, m, h, d, w or mo, such as 1d."],
    [{ tags: ["a", "b", "c"] }, "tags must be a list of at most 2 items, not 3."],
    [{ tags: ["a", 1] }, "tags[1] must be text, not number 1."],
    [{ amount: 10 }, 'amount must be text such as "100.25", not number 10.'],
    [
      { columns: { clos: "Last" } },
      'columns has no member "clos" (did you mean "close"?); there are open, close.',
    ],
    [{ on: "yes" }, "on must be true or false, not text."],
    [{ source: {} }, "source.kind is missing; it must be one of upload, bundled."],
    [
      { source: { kind: "uplaod" } },
      'source.kind must be one of upload, bundled, not "uplaod"; did you mean upload?',
    ],
    [{ source: { kind: "upload" } }, "source.uploadId is missing; it must be text."],
    [{ rule: 5 }, "rule must be text or an object, not number 5."],
    [{ rule: { entry: 5 } }, "rule: entry must be text, not number 5."],
    [{ of: { kind: "all" } }, "of: size is missing; it must be an object."],
    [{ of: { several: ["a"], size: {} } }, "of: size.least is missing; it must be a number."],
  ])("%j: %s", (value, message) => {
    const checked = checkInput(Payload, value);
    expect(checked.ok ? undefined : checked.message).toBe(message);
  });
});

test("every unknown member is named, with the nearest known one", () => {
  const checked = checkInput(Payload, { naem: "a", zzz: 1, count: 0 });
  expect(checked).toMatchObject({ ok: false });
  expect(checked.ok ? "" : checked.message).toMatch(
    /^count must be at least 1, not 0; the body has no member "naem" \(did you mean "name"\?\), "zzz"; there are name, count, /,
  );
});

test("five problems are told and the rest counted; all are in the details", () => {
  const Many = z.object(
    Object.fromEntries(["a", "b", "c", "d", "e", "f", "g"].map((key) => [key, z.string()])),
  );
  const checked = checkInput(Many, {}, "query");
  expect(checked).toMatchObject({ ok: false, errors: { length: 7 } });
  expect(checked.ok ? "" : checked.message).toMatch(
    /^query a is missing; it must be text; .*; and 2 more\.$/,
  );
});

test("parseInput throws payload.invalid with a pointer for each field", () => {
  expect(() => parseInput(Payload, { source: { kind: "bundled", name: "sp5000" } })).toThrowError(
    expect.objectContaining({
      code: "payload.invalid",
      details: {
        errors: [
          {
            in: "body",
            path: "/source/name",
            message: 'must be one of sp500, stocks, not "sp5000"; did you mean sp500?',
          },
        ],
      },
    }) as Error,
  );
  expect(parseInput(Payload, { count: 3 })).toEqual({ count: 3 });
});
