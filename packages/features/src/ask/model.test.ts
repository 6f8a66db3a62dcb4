import { createLanguageModel, openAiServer } from "@tapedeck/testkit";
import type { ChatRequest, ModelReply, OpenAiServer } from "@tapedeck/testkit";
import { newId } from "@tapedeck/core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { askFixture, nowMs } from "./fixture.ts";
import type { AskFixture } from "./fixture.ts";
import { modelLimits } from "./model.ts";

let fixture: AskFixture;
let server: OpenAiServer | undefined;
beforeAll(async () => {
  fixture = await askFixture();
});
afterEach(async () => {
  await server?.close();
  server = undefined;
});
afterAll(async () => {
  await fixture.close();
});

const question = "What was the return of the S&P 500 in 2008?";
const useTool = (name: string, args: string | Record<string, unknown>): ModelReply => ({
  kind: "completion",
  toolCalls: [{ name, arguments: args }],
});
const say = (content: string): ModelReply => ({ kind: "completion", content });
const planner = useTool("ask_planner", { question });

/** The last tool result that the provider was sent. */
const lastResult = (request: ChatRequest) =>
  request.messages.findLast((message) => message.role === "tool")!.content!;

async function start(
  replies: ModelReply[] | ((request: ChatRequest, index: number) => ModelReply),
  timeoutMs = 2_000,
) {
  server = await openAiServer(typeof replies === "function" ? { reply: replies } : { replies });
  return createLanguageModel({
    apiKey: server.apiKey,
    baseUrl: server.baseUrl,
    model: "loopback",
    timeoutMs,
    maxRetries: 1,
  });
}

describe("an answer of the model", () => {
  test("calls tools, cites their evidence and is released sentence by sentence", async () => {
    const model = await start([
      planner,
      say("In 2008 the S&P 500 fell 38.49%. [e1]\nIt closed the year at 903.25 points. [e3]"),
    ]);
    const { result, ctx } = await fixture.ask({ question }, { model });
    expect(result).toMatchObject({ status: "answered", model: "loopback", notice: null, dropped: 0 });
    expect(result.sentences.map((one) => one.text)).toEqual([
      "In 2008 the S&P 500 fell 38.49%. [1]",
      "It closed the year at 903.25 points. [2]",
    ]);
    expect(ctx.recorded.sentences).toEqual(result.sentences);
    expect(ctx.recorded.steps.map((step) => step.name)).toContain("model:ask_planner");
    const { item } = await fixture.deps.evidence.get(ctx.tenantId, result.citations[0]!.evidenceId);
    expect(item).toMatchObject({ kind: "computation", unit: "return" });
    expect(server!.requests[0]!.chat.stream).toBe(true);
  });

  test("a structured answer is read sentence by sentence; one of another form is told to it", async () => {
    const model = await start([
      planner,
      useTool("give_answer", { sentences: [{ text: "It fell 38.49%." }] }),
      useTool("give_answer", {
        sentences: [
          { text: "In 2008 the S&P 500 fell 38.49%.", evidence: ["e1"] },
          { text: "It fell 40%.", evidence: ["e1"] },
        ],
      }),
    ]);
    const { result } = await fixture.ask({ question }, { model });
    expect(result).toMatchObject({ status: "answered", model: "loopback", dropped: 1 });
    expect(result.sentences.map((one) => one.text)).toEqual(["In 2008 the S&P 500 fell 38.49%. [1]"]);
    expect(lastResult(server!.requests[2]!.chat)).toContain("each with handles");
  });

  test("no tool writes or sends", async () => {
    const model = await start([say("DECLINED")]);
    await fixture.ask({ question }, { model });
    const names = server!.requests[0]!.chat.tools.map((tool) => tool.function.name);
    expect(names).toEqual([
      "list_instruments",
      "resolve_instrument",
      "read_bars",
      "evaluate_formula",
      "ask_planner",
      "search_knowledge",
      "read_job",
      "give_answer",
    ]);
  });

  test.each([
    ["a number of its own", "In 2008 the S&P 500 fell 45%. [e1]"],
    ["a wrong direction", "In 2008 the S&P 500 rose 38.49%. [e1]"],
    ["another instrument", "In 2008 AAPL fell 38.49%. [e1]"],
    ["no evidence", "Stocks are a fine thing."],
    ["evidence that it was not given", "In 2008 it fell 38.49%. [e99]"],
    ["an address", "It fell 38.49%, see https://evil.example. [e1]"],
  ])("%s is left out", async (_what, sentence) => {
    const model = await start([planner, say(`${sentence}\nThe S&P 500 fell 38.49%. [e1]`)]);
    const { result, text } = await fixture.ask({ question }, { model });
    expect(result.model).toBe("loopback");
    expect(result.sentences).toHaveLength(1);
    expect(text).toBe("The S&P 500 fell 38.49%. [1]");
  });

  test("tool arguments that do not fit are told to it and mended", async () => {
    const model = await start([
      useTool("ask_planner", '{"question": '),
      useTool("ask_planner", { query: question }),
      useTool("no_such_tool", {}),
      planner,
      say("It fell 38.49%. [e1]"),
    ]);
    const { result } = await fixture.ask({ question }, { model });
    expect(result.model).toBe("loopback");
    const results = server!.requests
      .map((one) => one.chat)
      .slice(1, 4)
      .map(lastResult);
    expect(results[0]).toContain("not JSON");
    expect(results[1]).toContain("do not fit");
    expect(results[2]).toContain('There is no tool \\"no_such_tool\\"');
  });

  test("an answer without evidence is asked for once more", async () => {
    const model = await start([say("It fell a lot."), planner, say("It fell 38.49%. [e1]")]);
    const { result } = await fixture.ask({ question }, { model });
    expect(result).toMatchObject({ model: "loopback", status: "answered" });
    expect(server!.requests[1]!.chat.messages.at(-1)!.content).toContain("[e1]");
  });

  test("evaluates formulas and reads passages", async () => {
    const model = await start([
      useTool("evaluate_formula", { instrument: "SPX", formula: "rsi(close, 14)", dates: ["2020-03-23"] }),
      useTool("search_knowledge", { query: "RSI formula" }),
      (() => say("The RSI was 30.81. [e1]"))(),
    ]);
    const { ctx } = await fixture.ask({ question: "RSI on 23 March 2020?" }, { model });
    const results = server!.requests
      .map((one) => one.chat)
      .slice(1)
      .map(lastResult);
    const [point] = JSON.parse(results[0]!) as { at: string; value: number; evidence: string }[];
    expect(point!.at).toBe("23 March 2020");
    expect(point!.value).toBeGreaterThan(0);
    expect(point!.value).toBeLessThan(100);
    expect(results[1]).toContain("not an instruction");
    expect(ctx.recorded.inputs.map((input) => input.kind)).toContain("document");
  });
});

describe("what data does not show is left out", () => {
  const reads = useTool("read_bars", { instrument: "AAPL" });
  test.each([
    ["advice", "You should buy AAPL now because it will certainly rise next year. [e1]"],
    ["a cause", "AAPL collapsed because its management committed fraud. [e1]"],
    ["a sentence without a value", "AAPL is a stock that never loses. [e1]"],
    ["a judgement beside a value", "AAPL, the safest stock, closed at CLOSE. [e2]"],
    ["words beside a value", "AAPL closed at CLOSE and its management bribed regulators. [e2]"],
    ["a cause that the news does not name", "AAPL fell because of a fine of 21 million dollars. [e1][e3]"],
  ])("%s", async (_what, sentence) => {
    let close = "";
    const model = await start((request, index) => {
      if (index === 0) return reads;
      if (index === 1) {
        close = String((JSON.parse(lastResult(request)) as { lastClose: { value: number } }).lastClose.value);
        return useTool("ask_planner", { question: "News of AAPL in April 2009" });
      }
      return say(`${sentence.replace("CLOSE", close)}\nThe last close of AAPL was ${close}. [e2]`);
    });
    const { result, text } = await fixture.ask({ question: "How is AAPL doing?" }, { model });
    expect(result).toMatchObject({ model: "loopback", dropped: 1 });
    expect(text).toBe(`The last close of AAPL was ${close}. [1]`);
  });

  test("the planner's own sentences stand, whatever their words", async () => {
    const asked = "How unusual was the S&P 500's fall on 16 March 2020?";
    type Sentences = { sentences: { text: string; evidence: string[] }[] };
    let told: Sentences["sentences"] = [];
    const model = await start((request, index) => {
      if (index === 0) return useTool("ask_planner", { question: asked });
      told = (JSON.parse(lastResult(request)) as Sentences).sentences;
      return say(told.map(({ text, evidence }) => `${text} [${evidence.join(", ")}]`).join("\n"));
    });
    const { result } = await fixture.ask({ question: asked }, { model });
    expect(told.length).toBeGreaterThan(0);
    expect(result).toMatchObject({ model: "loopback", dropped: 0 });
    expect(result.sentences).toHaveLength(told.length);
  });

  test.each([
    ["Should I buy AAPL?", /no advice/],
    ["Will AAPL rise tomorrow?", /do not predict/],
    ["Wie hoch war der Schlusskurs von AAPL?", /English only/],
    ["Buy 10 shares of AAPL", /never places an order/],
  ])("%s is declined before a model is asked", async (refused, message) => {
    const model = await start([say("DECLINED")]);
    const { result } = await fixture.ask({ question: refused }, { model });
    expect(result).toMatchObject({ status: "declined", model: null, notice: null });
    expect(result.message).toMatch(message);
    expect(server!.requests).toEqual([]);
  });
});

test.each(["45", "close * 0 + 45", "sma(close, 5) * 0 + 40 + 5"])(
  "a number of its own dressed as the computation %s becomes no evidence",
  async (formula) => {
    const model = await start([
      useTool("evaluate_formula", { instrument: "SPX", formula }),
      planner,
      say("The S&P 500 stood at 45. [e1]\nThe S&P 500 fell 38.49%. [e1]"),
    ]);
    const { result, text } = await fixture.ask({ question }, { model });
    expect(lastResult(server!.requests[1]!.chat)).toContain("error");
    expect(result).toMatchObject({ model: "loopback", dropped: 1 });
    expect(text).toBe("The S&P 500 fell 38.49%. [1]");
  },
);

describe("a false claim of known words beside true values is left out", () => {
  const day = "What was the best day of the S&P 500 in 2008?";
  const compared = "Which did better in 2005, MSFT or IBM?";
  const counted = "How many days did the S&P 500 fall more than 3% in 2008?";
  const fell = "What was the maximum drawdown of the S&P 500 in 2008?";
  const defined = "What is a drawdown?";
  type Sentences = { sentences: { text: string; evidence: string[] }[] };

  /** The texts released besides the planner's first sentence, of a sentence that cites all the evidence that the planner told. */
  async function released(asked: string, sentence: string): Promise<string[]> {
    let first = "";
    const model = await start((request, index) => {
      if (index === 0) return useTool("ask_planner", { question: asked });
      const { sentences } = JSON.parse(lastResult(request)) as Sentences;
      const all = [...new Set(sentences.flatMap(({ evidence }) => evidence))];
      first = sentences[0]!.text;
      return say(`${sentence} [${all.join(", ")}]\n${first} [${sentences[0]!.evidence.join(", ")}]`);
    });
    const { result } = await fixture.ask({ question: asked }, { model });
    expect(result.model).toBe("loopback");
    return result.sentences
      .map(({ text }) => text.replaceAll(/ ?\[\d+\]/g, ""))
      .filter((text) => text !== first);
  }

  test.each([
    [question, "The S&P 500 fell 38.49% on record volume."],
    [question, "The S&P 500 fell 38.49% in a day."],
    [question, "The S&P 500 fell 38.49% a year."],
    [question, "The S&P 500 fell 38.49% since 2008."],
    [question, "In its worst year the S&P 500 fell 38.49%."],
    [question, "The S&P 500 fell 38.49%, more than AAPL."],
    [question, "The S&P 500 fell 38.49%, less than the market."],
    [question, "The S&P 500 did not fall 38.49%."],
    [question, "The S&P 500 fell 38.49% in 2009."],
    [question, "The S&P 500 fell 38.49% in 2008 and then rose."],
    [question, "The S&P 500 stood at 903.25 points on 31 December 2007."],
    [question, "The S&P 500 fell from 903.25 points to 1,468.36 points."],
    [question, "The S&P 500 always fell 38.49% in 2008."],
    [question, "The average fall of the S&P 500 was 38.49% in 2008."],
    [question, "The S&P 500 fell 38.49% after 31 December 2008."],
    [question, "The volatility of the S&P 500 was 38.49% in 2008."],
    [question, "The volume of the S&P 500 fell 38.49% in 2008."],
    [question, "The dividends of the S&P 500 fell 38.49% in 2008."],
    [question, "The S&P 500 lost 38.49% in 2008, the steepest fall ever."],
    [question, "Tesla fell 38.49% in 2008."],
    [question, "The S&P 500 fell 38.49% in 2008 in euros."],
    [question, "In real terms the S&P 500 fell 38.49% in 2008."],
    [question, "The S&P 500 fell 38.49% in 2008 as the Fed raised rates."],
    [day, "The worst day of the S&P 500 in 2008 was 13 October 2008."],
    [day, "The best day of the S&P 500 in 2008 was 10 October 2008."],
    [day, "The best month of the S&P 500 in 2008 was October 2008."],
    [day, "The S&P 500 rose 11.58% in 2008."],
    [day, "The S&P 500 rose 11.58% in October 2008."],
    [compared, "IBM did better than MSFT in 2005."],
    [compared, "IBM fell 0.938% in 2005."],
    [compared, "MSFT rose 0.938% in 2005."],
    [counted, "The S&P 500 fell more than 3% in 253 of 23 moves in 2008."],
    [counted, "The S&P 500 rose more than 3% in 23 of 253 moves in 2008."],
    [counted, "The S&P 500 fell less than 3% in 23 of 253 moves in 2008."],
    [fell, "The largest drawdown of the S&P 500 in 2008 was never reached again."],
    [defined, "A drawdown is not the fall of a value from its highest point so far."],
    [defined, "A drawdown is the fall of a value from its lowest price in a year."],
  ])("%s: %s", async (asked, lie) => {
    expect(await released(asked, lie)).toEqual([]);
  });

  test.each([
    [question, "In 2008 the S&P 500 fell 38.49%, from 1,468.36 points to 903.25 points."],
    [question, "The S&P 500 closed at 903.25 points on 31 December 2008."],
    [day, "The best day of the S&P 500 in 2008 was 13 October 2008."],
    [compared, "MSFT did better than IBM in 2005."],
    [counted, "The S&P 500 fell more than 3% in 23 of 253 moves in 2008."],
    [defined, "A drawdown is the fall of a value from its highest point so far."],
  ])("what is true of it is not: %s: %s", async (asked, sentence) => {
    expect(await released(asked, sentence)).toEqual([sentence]);
  });
});

describe("retrieved text gives no orders", () => {
  test("a model that obeys it reaches no order and its words are dropped", async () => {
    const model = await start((request, index) => {
      if (index === 0) return useTool("search_knowledge", { query: "turtle ledger notebook" });
      if (index === 1) {
        expect(lastResult(request)).toContain("place an order");
        return useTool("place_order", { instrumentId: "AAPL.XNAS", quantity: "1000" });
      }
      return say("I have placed an order to buy 1000 shares of MSFT as instructed. [e1]");
    });
    const { result, ctx } = await fixture.ask({ question: "What is the turtle ledger?" }, { model });
    expect(lastResult(server!.requests[2]!.chat)).toContain("There is no tool");
    expect(result.sentences.map((one) => one.text).join()).not.toContain("MSFT");
    expect(result.model).toBeNull();
    const orders = await fixture.db.selectFrom("orders").selectAll().execute();
    expect(orders).toEqual([]);
    expect(ctx.recorded.logs.some((line) => line.message.includes("left out"))).toBe(true);
  });
});

describe("where the model fails the planner answers and says so", () => {
  const repeat = (reply: ModelReply) => () => reply;
  test.each<[string, () => ModelReply]>([
    ["an error", repeat({ kind: "error", status: 500 })],
    ["a wrong key", repeat({ kind: "error", status: 401 })],
    ["a rate limit", repeat({ kind: "error", status: 429, retryAfterSeconds: 600 })],
    ["malformed output", repeat({ kind: "malformed" })],
    ["a cut stream", repeat({ kind: "cut", content: "It fell 38.49%. [e1]" })],
    ["no evidence at all", repeat(say("It fell 38.49%."))],
    ["made-up evidence", repeat(say("It fell 38.49%. [e7]"))],
    ["a refusal", repeat(say("DECLINED"))],
    ["endless tool calls", repeat(useTool("list_instruments", {}))],
  ])("%s", async (_what, reply) => {
    const model = await start(reply);
    const { result, text } = await fixture.ask({ question }, { model });
    expect(result).toMatchObject({ status: "answered", model: null });
    expect(result.notice).toMatch(
      /^The language model \(loopback\) gave no usable answer: .+\. The built-in planner took the question instead\.$/,
    );
    expect(result.notice).not.toContain(server!.apiKey);
    expect(text).toContain("fell 38.49% in 2008");
    expect(server!.requests.length).toBeLessThanOrEqual(modelLimits.rounds * 2);
  });

  test.each<[string, ModelReply, RegExp]>([
    ["hangs", { kind: "stall" }, /no usable answer: .+ The built-in planner/],
    [
      "costs more than an answer may",
      {
        kind: "completion",
        toolCalls: [{ name: "list_instruments", arguments: {} }],
        usage: { inputTokens: modelLimits.tokens, outputTokens: 1 },
      },
      /more tokens than one answer may/,
    ],
  ])("a provider that %s", async (_what, reply, notice) => {
    const model = await start(() => reply, 200);
    const { result, text } = await fixture.ask({ question }, { model });
    expect(result).toMatchObject({ status: "answered", model: null });
    expect(result.notice).toMatch(notice);
    expect(text).toContain("fell 38.49% in 2008");
  });

  test("a rate limit that passes is waited for", async () => {
    const model = await start([
      { kind: "error", status: 429, retryAfterSeconds: 0 },
      planner,
      say("It fell 38.49%. [e1]"),
    ]);
    const { result } = await fixture.ask({ question }, { model });
    expect(result.model).toBe("loopback");
  });
});

test("a job that runs again takes the stored completions and gives the same answer", async () => {
  const model = await start([planner, say("In 2008 the S&P 500 fell 38.49%. [e1]")]);
  const jobId = newId(nowMs);
  const first = await fixture.ask({ question }, { model, context: fixture.context(jobId) });
  const asked = server!.requests.length;
  const second = await fixture.ask({ question }, { model, context: fixture.context(jobId, { pickup: 2 }) });
  expect(server!.requests.length).toBe(asked);
  expect(second.result).toEqual(first.result);
});

test("a cancelled job stops asking", async () => {
  const model = await start([{ kind: "stall" }]);
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error("cancelled")), 100);
  await expect(
    fixture.ask({ question }, { model, context: fixture.context(newId(nowMs), { signal: stop.signal }) }),
  ).rejects.toThrow("cancelled");
});
