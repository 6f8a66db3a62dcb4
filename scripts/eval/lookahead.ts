import { families } from "../../packages/features/src/ask/families/index.ts";
import { askFixture, filedMs } from "../../packages/features/src/ask/fixture.ts";
import type { AskFixture } from "../../packages/features/src/ask/fixture.ts";
import { saveSentDocument } from "../../packages/features/src/knowledge/store.ts";
import type { EvidenceItem } from "../../packages/features/src/evidence/contract.ts";
import type { EvalSet } from "./measure.ts";

/** What is known when, and the filings that are public by then. */
const asOfs = ["2004-12-31", "2008-09-30", "2012-06-29", "2016-12-30"].map((day) =>
  Date.parse(`${day}T23:59:59Z`),
);
const afterFilings = filedMs + 30 * 86_400_000;
/** When all that is planted became known: after every time asked for. */
const plantedMs = Date.parse("2025-06-30T00:00:00Z");
const perTime = 45;

/** Later revisions that change every old bar, a filing restated, and a passage that contradicts: all known only later. */
async function plant(fixture: AskFixture): Promise<void> {
  const { bars, stocks, writeBars } = fixture;
  const changed = (list: (typeof bars)[number][]) =>
    list.map(({ open, high, low, close, ...bar }) => ({
      ...bar,
      open: open * 7,
      high: high * 7.1,
      low: low * 6.9,
      close: close * 7,
    }));
  await writeBars({ instrumentId: "SPX.INDEX", timeframe: "1d", recordedMs: plantedMs }, changed([...bars]));
  for (const [symbol, list] of stocks) {
    await writeBars(
      { instrumentId: `${symbol}.XNAS`, timeframe: "1mo", recordedMs: plantedMs },
      changed([...list]),
    );
  }
  const { tenantId } = fixture.context();
  await saveSentDocument(
    fixture.db,
    tenantId,
    {
      title: "Acme Widgets Inc. 10-K 2022 restated",
      topic: "filings",
      sources: [],
      formulas: [],
      publishedMs: plantedMs,
      text: "CONSOLIDATED STATEMENTS OF INCOME\n(In millions, except per share amounts)\nYears Ended December 31, 2022 2021 2020\nTotal revenues 9,999.0 8,888.0 7,777.0\nNet income $ 999.0 $ 888.0 $ 777.0",
      filing: { company: "Acme Widgets Inc.", form: "10-K", fiscalYear: 2022 },
    },
    plantedMs,
  );
}

const planted = {
  title: "Drawdown",
  section: "Definition",
  text: "A drawdown is nothing but a rumour that was withdrawn: it is always 0.99 of the value.",
  publishedMs: plantedMs,
};

/** The last moment that an item speaks of. */
function latestOf(item: EvidenceItem): number {
  if (item.kind === "rows") return item.toMs;
  return item.kind === "computation" ? (item.atMs ?? 0) : 0;
}

/** Questions of every kind that has no clock of its own, in the words of the docs, turned to each time in two ways. */
function questionsAt(asOfMs: number): { question: string; asOf: number | undefined }[] {
  const day = new Date(asOfMs).toISOString().slice(0, 10);
  const timeless = families
    .filter(
      ({ name }) =>
        !["backtest", "portfolio", "portfolioRisk", "exposure", "order", "alert", "job"].includes(name),
    )
    .flatMap(({ examples }) => examples)
    .filter((example) => !/ as of | filing|Acme|Northern|compan/i.test(example));
  const step = timeless.length / perTime;
  return Array.from({ length: perTime }, (_, i) => {
    const example = timeless[Math.floor(i * step)]!.replace(/[?.]$/, "");
    return i % 2 === 0
      ? { question: `${example}?`, asOf: asOfMs }
      : { question: `${example} as of ${day}?`, asOf: undefined };
  });
}

const filingQuestions = families
  .filter(({ name }) => name.startsWith("filing"))
  .flatMap(({ examples }) => examples)
  .concat(
    [
      "What was the net income of Acme Widgets in fiscal 2021?",
      "What was the revenue of Acme Widgets in fiscal 2020?",
    ],
    [
      "What is the gross margin of Acme Widgets in FY2022?",
      "What were the total assets of Acme Widgets in 2022?",
    ],
    [
      "What was the revenue growth of Acme Widgets in 2022?",
      "What is a drawdown?",
      "How is the RSI calculated?",
    ],
    ["What is the FY2022 return on assets of Acme Widgets?", "Did the revenue of Acme Widgets rise in 2022?"],
  )
  .slice(0, 200 - perTime * asOfs.length);

/**
 * Each question is asked twice, as of a time: of data that also holds what became known later (bars, revisions of old
 * bars, a restated filing, a passage), and of data that ends there. Another word is a leak; so is a citation from later.
 */
export const lookahead: EvalSet = {
  name: "lookahead",
  files: [],
  async run() {
    const full = await askFixture({ passages: [planted] });
    let leaks = 0;
    let answered = 0;
    let n = 0;
    try {
      await plant(full);
      for (const asOfMs of [...asOfs, afterFilings]) {
        const past = await askFixture({ knownMs: asOfMs, passages: [planted] });
        const questions =
          asOfMs === afterFilings
            ? filingQuestions.map((question) => ({ question, asOf: asOfMs }))
            : questionsAt(asOfMs);
        try {
          for (const { question, asOf } of questions) {
            n++;
            const payload = { question, ...(asOf === undefined ? {} : { asOf }) };
            const { result, text, ctx } = await full.ask(payload);
            const twin = await past.ask(payload);
            const items = await Promise.all(
              result.citations.map(({ evidenceId }) => full.deps.evidence.get(ctx.tenantId, evidenceId)),
            );
            if (result.status === "answered") answered++;
            const late = items.some(({ item }) => latestOf(item) > asOfMs + 1);
            const told = (one: typeof result) =>
              one.status === "answered"
                ? one.sentences.map((sentence) => sentence.text).join("\n")
                : one.status;
            if (!late && told(result) === told(twin.result)) continue;
            leaks++;
            if (process.env["EVAL_SHOW"] === "1")
              console.error(
                `${question} (${asOf})\n  ${text || result.message}\n  ${twin.text || twin.result.message}`,
              );
          }
        } finally {
          await past.close();
        }
      }
    } finally {
      await full.close();
    }
    const set = "lookahead";
    return [
      { set, metric: "leaks", value: leaks, n, aim: "0" },
      { set, metric: "answered", value: answered / n, n, count: answered },
    ];
  },
};
