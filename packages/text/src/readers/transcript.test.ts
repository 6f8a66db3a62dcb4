import { describe, expect, test } from "vitest";
import { readFile } from "./read.ts";
import { readTranscript, transcriptText } from "./transcript.ts";

const listed = `Acme Widgets, Inc. (ACME) Q4 2023 Earnings Conference Call
February 1, 2024 5:00 PM ET

Company Participants
Ann Lee - Chief Executive Officer
Bob de Vries - Chief Financial Officer

Conference Call Participants
Cara Diaz - Morgan Stanley

Presentation

Operator
Good day, and welcome to the call. [Operator Instructions]

Ann Lee
We had a record quarter. Demand: strong.

Margins rose.

Bob de Vries
Revenue grew 8 %.

Question-and-Answer Session

Operator
Our first question comes from Cara Diaz.

Cara Diaz
How confident are you in guidance?

Ann Lee
We may see some softness.`;

const dashed = `Prepared Remarks:

Operator

Welcome to the Acme third quarter 2023 earnings call.

**Ann Lee** -- *Chief Executive Officer*

Thank you. It was a good quarter.

Questions & Answers:

Operator

We take the first question.

**Cara Diaz** -- *Morgan Stanley -- Analyst*

What about margins?`;

const colons = `Acme earnings call transcript
Operator: Welcome, all.
Ann Lee: A good quarter.
We grew.
Operator: We will now open the lines for questions. Our first question is from Cara Diaz.
Cara Diaz: How is demand?
Ann Lee: Demand is fine.
Cara Diaz: Thanks.`;

const heard = (text: string) => {
  const written = transcriptText(text)!;
  return readTranscript(written)!.turns.map(({ speaker, role, firm, side, part, start, end }) => [
    part,
    side,
    [speaker, role, firm].filter((one) => one !== null).join(" | "),
    written.slice(start, end),
  ]);
};

describe("a transcript of a call", () => {
  test("with its participants listed", () => {
    expect(heard(listed)).toEqual([
      ["prepared", "operator", "Operator", "Good day, and welcome to the call. [Operator Instructions]"],
      [
        "prepared",
        "company",
        "Ann Lee | Chief Executive Officer",
        "We had a record quarter. Demand: strong.\n\nMargins rose.",
      ],
      ["prepared", "company", "Bob de Vries | Chief Financial Officer", "Revenue grew 8 %."],
      ["questions", "operator", "Operator", "Our first question comes from Cara Diaz."],
      ["questions", "analyst", "Cara Diaz | Analyst | Morgan Stanley", "How confident are you in guidance?"],
      ["questions", "company", "Ann Lee | Chief Executive Officer", "We may see some softness."],
    ]);
  });

  test("with roles behind dashes", () => {
    expect(heard(dashed)).toEqual([
      ["prepared", "operator", "Operator", "Welcome to the Acme third quarter 2023 earnings call."],
      ["prepared", "company", "Ann Lee | Chief Executive Officer", "Thank you. It was a good quarter."],
      ["questions", "operator", "Operator", "We take the first question."],
      ["questions", "analyst", "Cara Diaz | Analyst | Morgan Stanley", "What about margins?"],
    ]);
  });

  test("with names before colons: who asks after the operator opened the questions is an analyst", () => {
    expect(heard(colons).map(([part, side, who]) => [part, side, who])).toEqual([
      ["prepared", "operator", "Operator"],
      ["prepared", "company", "Ann Lee"],
      ["questions", "operator", "Operator"],
      ["questions", "analyst", "Cara Diaz | Analyst"],
      ["questions", "company", "Ann Lee"],
      ["questions", "analyst", "Cara Diaz | Analyst"],
    ]);
  });

  test("is known by itself, with company and day", async () => {
    for await (const item of readFile(Buffer.from(listed), { filename: "call.txt" }).items) {
      expect(item).toMatchObject({
        ok: true,
        document: { kind: "transcript", company: "Acme Widgets, Inc.", publishedMs: Date.UTC(2024, 1, 2) },
      });
    }
  });

  test.each([
    ["an article about one", "The earnings call went well. The operator said: thanks. Shares rose."],
    [
      "a conversation that is no call",
      "Operator: hello.\nAnn Lee: hi.\nAnn Lee: bye.\nBob Day: x.\nBob Day: y.",
    ],
  ])("%s is none", (_, text) => {
    expect(transcriptText(text)).toBeNull();
    expect(readTranscript(text)).toBeNull();
  });
});
