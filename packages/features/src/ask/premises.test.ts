import { afterAll, beforeAll, expect, test } from "vitest";
import { askFixture } from "./fixture.ts";
import type { AskFixture } from "./fixture.ts";

let fixture: AskFixture;

beforeAll(async () => {
  fixture = await askFixture();
});
afterAll(() => fixture.close());

test.each([
  [
    "What was the net loss of Acme Widgets in 2022?",
    "made no net loss in fiscal 2022: its net income was 140 million USD",
  ],
  [
    "Why did Acme Widgets make an operating loss in 2021?",
    "made no operating loss in fiscal 2021: its operating income was 180 million USD",
  ],
  ["How large were the net losses of Northern Brick in 2022?", "made no net loss in fiscal 2022"],
  [
    "What did Acme Widgets do after the dividend cut in 2022?",
    "dividends paid did not fall from fiscal 2021 to fiscal 2022: it rose, from 25 million USD to 35 million USD",
  ],
  [
    "What happened to Acme Widgets following the decline in revenue in 2022?",
    "revenue did not fall from fiscal 2021 to fiscal 2022: it rose",
  ],
  ["What caused the drop in Acme Widgets' operating income in 2022?", "operating income did not fall"],
  [
    "How did Acme Widgets cope with falling revenue in 2021?",
    "revenue did not fall from fiscal 2020 to fiscal 2021",
  ],
  [
    "What explains the rise in inventory of Acme Widgets in 2022?",
    "inventory did not rise from fiscal 2021 to fiscal 2022: it fell, from 120 million USD to 80 million USD",
  ],
  ["What was behind the capex reduction of Acme Widgets in 2022?", "capital expenditure did not fall"],
  [
    "Why did the margins of Acme Widgets fall in 2022?",
    "gross margin did not fall from fiscal 2021 to fiscal 2022: it rose, from 58.0 % to 60.0 %",
  ],
  ["Why did the gross margin of Acme Widgets fall in 2022?", "gross margin did not fall"],
  ["Why did Northern Brick's net income decline in 2022?", "net income did not fall"],
  ["What followed as revenue fell at Acme Widgets?", "revenue did not fall from fiscal 2021 to fiscal 2022"],
])("%s is put right", async (question, correction) => {
  const { result, text } = await fixture.ask({ question });
  expect(result).toMatchObject({ status: "answered", dropped: 0 });
  expect(text.split("\n")[0]).toContain(correction);
});

test.each([
  ["What was the net loss of Acme Widgets in 2020?", "net income in fiscal 2020 was −16 million USD"],
  [
    "What explains the revenue growth of Acme Widgets in 2022?",
    "revenue rose 20.00%, from 1,000 million USD to 1,200 million USD",
  ],
  ["What was behind the drop in inventory of Acme Widgets in 2022?", "inventory fell 33.33%"],
])("%s takes nothing wrong for granted", async (question, said) => {
  const { result, text } = await fixture.ask({ question });
  expect(result).toMatchObject({ status: "answered", dropped: 0 });
  expect(text).toContain(said);
  expect(text).not.toMatch(/did not|made no/);
});
