import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { passagesOf } from "./chunk.ts";

const cut = (text: string, most?: number) =>
  passagesOf(text, most).map(({ section, start, end }) => [section, text.slice(start, end)]);

describe("passages of a document", () => {
  test.each<[string, string, number, string[][]]>([
    ["nothing", "", 100, []],
    ["white space", " \n\n\t ", 100, []],
    ["text without sections", "One.\n\nTwo.", 100, [["", "One.\n\nTwo."]]],
    [
      "sections, with what stands before them",
      "Intro.\n\n## What it *is*\n\nA.\n\n### Deeper ##\nB.\n",
      100,
      [
        ["", "Intro."],
        ["What it is", "A."],
        ["Deeper", "B."],
      ],
    ],
    ["a section without text", "## A\n\n## B\n\nText.", 100, [["B", "Text."]]],
    ["# inside code", "## A\n\n```\n# not a heading\n```\n", 100, [["A", "```\n# not a heading\n```"]]],
    [
      "paragraphs that do not fit together",
      "Aaaa aaaa.\n\nBbbb bbbb.",
      15,
      [
        ["", "Aaaa aaaa."],
        ["", "Bbbb bbbb."],
      ],
    ],
    [
      "sentences of a long paragraph, not at decimals",
      "It is 1.5 times. Then it ends.",
      20,
      [
        ["", "It is 1.5 times."],
        ["", "Then it ends."],
      ],
    ],
    [
      "words of a long sentence",
      "aaaa bbbb cccc dddd",
      9,
      [
        ["", "aaaa bbbb"],
        ["", "cccc dddd"],
      ],
    ],
    [
      "one word longer than all",
      "a bbbbbbbbbbbb c",
      5,
      [
        ["", "a"],
        ["", "bbbbbbbbbbbb"],
        ["", "c"],
      ],
    ],
  ])("%s", (_, text, most, expected) => {
    expect(cut(text, most)).toEqual(expected);
  });

  test("hold every word that is no heading, once and in order, whatever the text", () => {
    const word = fc.stringMatching(/^[a-zé市]{1,8}[.!,]?$/);
    const line = fc.oneof(
      fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(" ")),
      fc.constant(""),
      word.map((text) => `## ${text}`),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), fc.integer({ min: 1, max: 60 }), (lines, most) => {
        const text = lines.join("\n");
        const passages = passagesOf(text, most);
        const bodies = passages.map(({ start, end }) => text.slice(start, end));
        const expected = lines
          .filter((one) => !one.startsWith("##"))
          .flatMap((one) => one.match(/\S+/g) ?? []);
        expect(bodies.flatMap((body) => body.match(/\S+/g) ?? [])).toEqual(expected);
        for (const [i, body] of bodies.entries()) {
          expect(body).toBe(body.trim());
          if (/\s/.test(body)) expect(body.length).toBeLessThanOrEqual(most);
          if (i > 0) expect(passages[i]!.start).toBeGreaterThanOrEqual(passages[i - 1]!.end);
        }
      }),
      { numRuns: 300 },
    );
  });
});
