import { afterAll, beforeAll, expect, test } from "vitest";
import { nowMs, askFixture, tenantId } from "./fixture.ts";
import type { AskFixture } from "./fixture.ts";

const stranger = "00000000-0000-7000-8000-0000000000ff";
const secret = "A quokka spread is the gap between two marsupial futures, and ours stands at 4.2 points.";

let fixture: AskFixture;

beforeAll(async () => {
  fixture = await askFixture();
  await fixture.deps.knowledge.put([
    {
      id: "own-note:1:0",
      documentId: "own-note",
      version: 1,
      space: tenantId,
      title: "Quokka spread",
      section: "What is a quokka spread?",
      topic: "notes",
      kind: "note",
      company: null,
      period: null,
      text: secret,
      start: 0,
      end: secret.length,
      publishedMs: nowMs,
    },
  ]);
});
afterAll(() => fixture.close());

const askAs = (who: string, question: string) =>
  fixture.ask({ question }, { context: { ...fixture.context(), tenantId: who } });

test.each([
  ["What is a quokka spread?", "marsupial"],
  [
    "Which class action was filed against Northern Brick in 2022?",
    "class action was filed against the company",
  ],
  ["What was the revenue of Acme Widgets in FY2022?", "1,200 million"],
])("%s is answered from a tenant's own documents to that tenant alone", async (question, words) => {
  expect((await askAs(tenantId, question)).text).toContain(words);
  const { result, ctx } = await askAs(stranger, question);
  const told = JSON.stringify([result, ctx.recorded]);
  expect(told).not.toContain(words);
  expect(result.status).not.toBe("answered");
});
