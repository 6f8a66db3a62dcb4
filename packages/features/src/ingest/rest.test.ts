import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ingestFixture, tenantId } from "./ingest.fixture.ts";

/** In the form of Yahoo's chart; null where a day had no trade. */
const yahoo = {
  chart: {
    result: [
      {
        meta: { symbol: "AAPL", currency: "USD" },
        timestamp: [1_704_205_800, 1_704_292_200, 1_704_378_600],
        indicators: {
          quote: [
            {
              open: [187.15, null, 184.22],
              high: [188.44, null, 185.88],
              low: [183.89, null, 183.43],
              close: [185.64, null, 184.25],
              volume: [82_488_700, null, 58_414_500],
            },
          ],
        },
      },
    ],
    error: null,
  },
};

/** https://www.alphavantage.co/documentation/#daily: by date, the newest first, numbers as text. */
const alphaVantage = {
  "Meta Data": { "2. Symbol": "IBM" },
  "Time Series (Daily)": {
    "2024-01-03": {
      "1. open": "161.00",
      "2. high": "161.73",
      "3. low": "160.08",
      "4. close": "160.10",
      "5. volume": "4086065",
    },
    "2024-01-02": {
      "1. open": "162.83",
      "2. high": "163.29",
      "3. low": "160.46",
      "4. close": "161.50",
      "5. volume": "3825044",
    },
  },
};

const list = {
  data: {
    bars: [
      ["2024-01-02", 1.5],
      ["2024-01-03", 2.5],
    ],
  },
};

const answers: Record<string, string> = {
  "/yahoo": JSON.stringify(yahoo),
  "/alphavantage": JSON.stringify(alphaVantage),
  "/list": JSON.stringify(list),
  "/refused": JSON.stringify({ Information: "our standard API rate limit is 25 requests per day" }),
  "/text": "<html>",
};

let fixture: Awaited<ReturnType<typeof ingestFixture>>;
let server: Server;
let origin: string;
beforeAll(async () => {
  fixture = await ingestFixture();
  server = createServer((request, response) => {
    const body = answers[new URL(request.url!, "http://rest").pathname];
    response.writeHead(body === undefined ? 503 : 200).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await fixture.close();
});

async function load(path: string, answer: unknown, symbol: string, rest: object = {}) {
  const result = await fixture.run({
    source: { kind: "rest", url: `${origin}${path}?apikey=hidden`, answer },
    instrument: { symbol, venue: "REST", calendar: "XNYS", currency: "USD" },
    timeframe: "1d",
    ...rest,
  } as never);
  const { columns, length } = await fixture.series.dataset({
    tenantId,
    instrumentId: `${symbol}.REST`,
    timeframe: "1d",
    adjustment: "raw",
  });
  const at = (i: number) => [
    new Date(columns.openMs[i]!).toISOString(),
    ...(["open", "high", "low", "close", "volume"] as const).map((name) => columns[name][i]),
  ];
  return { result, bars: Array.from({ length }, (_, i) => at(i)) };
}

describe("bars of a REST answer", () => {
  test("in Yahoo's form: lists beside each other", async () => {
    const { result, bars } = await load("/yahoo", "yahoo", "AAPL");
    expect(bars).toEqual([
      ["2024-01-02T14:30:00.000Z", 187.15, 188.44, 183.89, 185.64, 82_488_700],
      ["2024-01-04T14:30:00.000Z", 184.22, 185.88, 183.43, 184.25, 58_414_500],
    ]);
    expect(result.source).toBe(`${origin}/yahoo`);
    expect(JSON.stringify([result, fixture.inputs])).not.toContain("hidden");
  });

  test("in Alpha Vantage's form: an object by date, the newest first", async () => {
    const { bars } = await load("/alphavantage", "alphavantageDaily", "IBM");
    expect(bars).toEqual([
      ["2024-01-02T14:30:00.000Z", 162.83, 163.29, 160.46, 161.5, 3_825_044],
      ["2024-01-03T14:30:00.000Z", 161, 161.73, 160.08, 160.1, 4_086_065],
    ]);
  });

  test("in a form that is declared", async () => {
    const answer = { rows: "list", at: ["data", "bars"], time: 0, close: 1 };
    const { bars } = await load("/list", answer, "LIST");
    expect(bars.map(([open, , , , close]) => [open, close])).toEqual([
      ["2024-01-02T14:30:00.000Z", 1.5],
      ["2024-01-03T14:30:00.000Z", 2.5],
    ]);
  });

  test.each([
    ["/refused", /25 requests per day/],
    ["/text", /did not answer with JSON/],
    ["/none", /answers 503/],
  ])("%s is an error that says what came, and no bars", async (path, message) => {
    await expect(load(path, "yahoo", "NONE")).rejects.toThrow(message);
  });
});
