import type { JobContract, RouteContract } from "@tapedeck/core";
import { createClient } from "@tapedeck/client";
import type { Client } from "@tapedeck/client";
import { contracts, routes } from "@tapedeck/features/contracts";
import { testDatabase } from "@tapedeck/testkit";
import type { TestDatabase } from "@tapedeck/testkit";
import { startStack } from "@tapedeck/testkit/stack";
import type { Stack } from "@tapedeck/testkit/stack";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/**
 * One tenant owns one of everything, made through the real processes; another tenant's admin, and the deployment's own
 * admin, walk every address with the ids.
 */
let database: TestDatabase<unknown>;
let stack: Stack;
let owner: Client;
let outsiders: { name: string; client: Client; token: string }[];
let ownerToken: string;
/** Values for `{id}` by the beginning of the path. */
const ids = new Map<string, string>();

const password = "correct horse battery";

async function tenant(name: string): Promise<string> {
  const email = `admin@${name}.example`;
  await stack.client.call("createTenant", {
    body: { name, admin: { email, name: "Admin", password } },
  });
  const signedIn = await createClient({ baseUrl: stack.apiUrl }).call("login", { body: { email, password } });
  return signedIn.accessToken!;
}

/** 300 daily bars with one row that cannot be. */
function csv(): string {
  const rows = ["date,open,high,low,close,volume"];
  for (let day = 0; day < 300; day++) {
    const date = new Date(Date.UTC(2023, 0, 2) + day * 86_400_000).toISOString().slice(0, 10);
    const close = 100 + 10 * Math.sin(day / 9);
    const high = day === 40 ? -1 : close + 1;
    rows.push(`${date},${close},${high},${close - 1},${close},${1_000 + day}`);
  }
  return `${rows.join("\n")}\n`;
}

async function upload(token: string): Promise<string> {
  const answer = await fetch(`${stack.apiUrl}/api/uploads?filename=own.csv`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "text/csv" },
    body: csv(),
  });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { id: string }).id;
}

const instrumentId = "OWN.MINE";

async function completed(
  type:
    | "ingest"
    | "documentIngest"
    | "analyze"
    | "ask"
    | "backtest"
    | "portfolioBacktest"
    | "sweep"
    | "execute"
    | "extract",
  payload: never,
): Promise<string> {
  const job = await owner.submit(type, payload, { waitS: 50 });
  expect([type, job.state, job.error]).toEqual([type, "completed", null]);
  return job.id;
}

beforeAll(async () => {
  database = await testDatabase();
  stack = await startStack({
    databaseUrl: database.url,
    workerArgs: ["--concurrency", "2", "--threads", "1"],
  });
  ownerToken = await tenant("owner");
  owner = createClient({ baseUrl: stack.apiUrl, token: ownerToken });
  const otherToken = await tenant("outsider");
  outsiders = [
    {
      name: "another tenant",
      client: createClient({ baseUrl: stack.apiUrl, token: otherToken }),
      token: otherToken,
    },
    { name: "the deployment's admin", client: stack.client, token: stack.key },
  ];

  const uploadId = await upload(ownerToken);
  ids.set("/uploads/", uploadId);
  const instrument = {
    symbol: "OWN",
    venue: "MINE",
    assetClass: "crypto",
    currency: "USD",
    calendar: "24x7",
  };
  const ingestId = await completed("ingest", {
    source: { kind: "upload", uploadId },
    timeframe: "1d",
    instrument,
  } as never);
  ids.set("/ingests/", ingestId);
  ids.set(
    "/document-ingests/",
    await completed("documentIngest", { sources: [{ kind: "upload", uploadId }], format: "text" } as never),
  );
  for (const path of [
    "instruments",
    "bars",
    "charts",
    "trades",
    "sentiment",
    "ticks",
    "ohlc",
    "export",
    "analytics",
  ])
    ids.set(`/${path}/`, instrumentId);
  const analysisId = await completed("analyze", { instrumentId, formulas: ["sma(close, 10)"] } as never);
  ids.set("/analyses/", analysisId);
  const replay = await owner.call("replayJob", { params: { id: analysisId } });
  ids.set("/jobs/{id}/replay", replay.id);
  const portfolioId = await completed("portfolioBacktest", {
    instruments: [instrumentId],
    strategy: { name: "equalWeight" },
  } as never);
  ids.set("/portfolio-backtests/", portfolioId);
  // The first beginning that fits counts: the fast simulator keeps no orders.
  ids.set("/backtests/{id}/orders", portfolioId);
  const backtestId = await completed("backtest", {
    instrumentId,
    timeframe: "1d",
    strategy: {
      kind: "rules",
      entry: "crossover(sma(close, 3), sma(close, 9))",
      exit: "close < sma(close, 9)",
    },
    initialCash: "10000",
  } as never);
  ids.set("/backtests/", backtestId);
  queries["compareBacktests"] = `?with=${portfolioId}`;
  const backtest = (await owner.call("getJob", { params: { id: backtestId } })) as {
    result: { evidenceIds: Record<string, string> | string[] };
  };
  ids.set("/evidence/", Object.values(backtest.result.evidenceIds)[0]!);
  const sweepId = await completed("sweep", {
    instrumentId,
    timeframe: "1d",
    strategy: { kind: "builtIn", name: "maCrossover" },
    parameters: { fast: { values: [3, 4] }, slow: { values: [9, 12] } },
  } as never);
  ids.set("/sweeps/", sweepId);
  ids.set("/jobs/{id}/report", sweepId);
  ids.set("/jobs/", analysisId);
  const alert = await owner.call("createAlert", {
    body: { instrumentId, rule: { kind: "price", direction: "above", level: 1 } },
  } as never);
  ids.set("/alerts/", (alert as { id: string }).id);
  const standing = await owner.call("createStandingQuestion", {
    body: { name: "own", question: "What data do you have?", cron: "0 3 1 1 *" },
  });
  ids.set("/standing-questions/", standing.id);
  const questionId = await completed("ask", {
    question: "What data do you have?",
    conversationId: "of the owner",
  } as never);
  ids.set("/questions/", questionId);
  ids.set("/conversations/", "of the owner");
  const account = await owner.call("createAccount", { body: { name: "mine", currency: "USD" } });
  ids.set("/accounts/", account.id);
  await completed("execute", {
    accountId: account.id,
    instrumentId,
    side: "buy",
    type: "limit",
    quantity: "1",
    limitPrice: "1",
  } as never);
  const orders = await owner.call("listOrders", { query: {} });
  ids.set(
    "/orders/",
    (orders.items[0] as { orderId?: string; id?: string }).orderId ?? (orders.items[0] as { id: string }).id,
  );
  const schedule = await owner.call("createSchedule", {
    body: { name: "nightly", type: "analyze", payload: { instrumentId }, cron: "0 3 * * *" },
  });
  ids.set("/schedules/", schedule.id);
  const batch = await owner.call("createBatch", {
    body: { type: "analyze", payloads: [{ instrumentId }] } as never,
  });
  ids.set("/batches/", (batch as unknown as { id: string }).id);
  const formula = await owner.call("saveFormula", {
    params: { name: "our_own_trend" },
    body: { formula: "sma(close, 7)" },
  });
  ids.set("/formulas/", formula.name);
  const document = await owner.call("postDocument", { body: { title: "Ours", text: "Our plan is secret." } });
  ids.set("/documents/", document.id);
  await owner.call("postDocument", {
    body: { title: "News", text: "OWN cut its full-year revenue outlook." },
  });
  await completed("extract", {} as never);
  ids.set("/events/", (await owner.call("listEvents", { query: {} })).items[0]!.id);
  const key = await owner.call("createApiKey", { body: { name: "robot", role: "viewer" } });
  ids.set("/keys/", key.key.id);
  const user = await owner.call("createUser", {
    body: { email: "worker@owner.example", name: "Worker", role: "viewer", password },
  });
  ids.set("/users/", user.id);
  const [session] = (await owner.call("listSessions")).items;
  ids.set("/auth/sessions/", session!.id);
  const channel = await owner.call("createChannel", {
    body: { name: "ours", settings: { kind: "email", to: "worker@owner.example" } },
  });
  ids.set("/notifications/channels/", channel.id);
  await owner.submit("analyze", { instrumentId }, { callbackUrl: "http://callback.invalid/x", waitS: 50 });
  for (let tries = 0; tries < 100; tries++) {
    if ((await owner.call("listNotifications", { query: {} })).items.length > 0) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  ids.set("/notifications/", (await owner.call("listNotifications", { query: {} })).items[0]!.id);
}, 240_000);

afterAll(async () => {
  await stack.close();
  await database.close();
});

/** Valid bodies, so that what is refused is the id. */
const bodies: Record<string, unknown> = {
  patchInstrument: { name: "Renamed" },
  updateSchedule: { enabled: false },
  updateUser: { name: "Renamed" },
  haltAccount: { reason: "test" },
  muteAlert: { muted: true },
  reconcileOrder: {},
  giveFeedback: { useful: false },
};
const queries: Record<string, string> = {
  getBars: "?timeframe=1d",
  getChart: "?timeframe=1d",
  listOhlc: "?timeframe=1d",
  exportOhlc: "?timeframe=1d",
};

/** Theirs is the whole deployment, not a tenant: every caller of another tenant is refused, whatever the id. */
const deploymentWide = new Set(["pauseQueue", "resumeQueue", "updateTenant"]);
/**
 * Nobody's: built-in indicators are the same for all, a formula saved under a name that another tenant has is one's own,
 * and so is the count of one's own trials on a dataset.
 */
const notTheOwners = new Set(["getIndicator", "saveFormula", "getTrialLedger"]);

const withId = Object.values<RouteContract>(routes).filter(
  ({ name, path }) => path.includes("{") && !deploymentWide.has(name) && !notTheOwners.has(name),
);

function addressOf(contract: RouteContract): string {
  const start = [...ids.keys()].find((prefix) => contract.path.startsWith(prefix));
  if (start === undefined) throw new Error(`no id is made for ${contract.path}: make one above`);
  const path = contract.path.replaceAll(/\{\w+\}/g, encodeURIComponent(ids.get(start)!));
  return `${stack.apiUrl}/api${path}${queries[contract.name] ?? ""}`;
}

async function ask(contract: RouteContract, token: string): Promise<number> {
  const stop = new AbortController();
  const body = contract.body === undefined ? undefined : JSON.stringify(bodies[contract.name] ?? {});
  const answer = await fetch(addressOf(contract), {
    method: contract.method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body }),
    signal: stop.signal,
  });
  stop.abort();
  return answer.status;
}

// Before the walk: what an outsider tries is in its own audit log.
describe("lists", () => {
  const lists = Object.values<RouteContract>(routes).filter(
    ({ method, path, role, raw, name }) =>
      method === "GET" &&
      !path.includes("{") &&
      role !== "public" &&
      role !== "operator" &&
      raw !== true &&
      // These compute from what they are asked, and hold nothing of anyone.
      ![
        "checkFormula",
        "previewSchedule",
        "getMe",
        "getPortfolio",
        "getHedgeRatio",
        "getSpread",
        "getPairCorrelation",
        "getSpreadAdf",
      ].includes(name),
  );

  test.each(lists)("GET $path ($name) shows nothing of the owner", async (contract) => {
    const query = contract.name === "searchKnowledge" ? "?q=our%20secret%20plan" : "";
    for (const { token } of outsiders) {
      const answer = await fetch(`${stack.apiUrl}/api${contract.path}${query}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      expect([contract.name, answer.status]).toEqual([contract.name, 200]);
      const text = await answer.text();
      for (const [path, id] of ids)
        expect([contract.name, path, text.includes(id)]).toEqual([contract.name, path, false]);
      expect(text).not.toContain("Our plan is secret");
    }
  });
});

describe("ids of another tenant", () => {
  test.each(withId)("$method $path ($name)", async (contract) => {
    for (const { name, token } of outsiders) {
      const status = await ask(contract, token);
      // An instrument that is not one's own is one that does not exist: symbol.unknown.
      const ofInstrument = /^\/(charts|bars|trades|instruments|sentiment|ticks|ohlc|export|analytics)\//;
      const unknown = ofInstrument.test(contract.path) ? [404, 422] : [404];
      expect([name, status, unknown.includes(status)]).toEqual([name, status, true]);
    }
    // The ids are real: their owner is answered.
    if (contract.method === "GET" && !contract.path.startsWith("/trades/") && !/ticks/.test(contract.path)) {
      const status = await ask(contract, ownerToken);
      expect([200, 202]).toContain(status);
    }
  });

  test("nothing of the owner's was changed by the walk", async () => {
    expect((await owner.call("getSchedule", { params: { id: ids.get("/schedules/")! } })).enabled).toBe(true);
    expect((await owner.call("getUser", { params: { id: ids.get("/users/")! } })).name).toBe("Worker");
    expect((await owner.call("getMe")).role).toBe("admin");
    expect((await owner.call("getUpload", { params: { id: ids.get("/uploads/")! } })).filename).toBe(
      "own.csv",
    );
  });
});

describe("another tenant's things inside a payload", () => {
  const own = (path: string) => ids.get(path)!;
  const cases: [string, () => [JobContract, unknown]][] = [
    [
      "an upload",
      () => [contracts.ingest, { source: { kind: "upload", uploadId: own("/uploads/") }, timeframe: "1d" }],
    ],
    ["an instrument", () => [contracts.analyze, { instrumentId }]],
    ["a bare symbol", () => [contracts.analyze, { instrumentId: "OWN" }]],
    ["a document", () => [contracts.sentiment, { documentIds: [own("/documents/")] }]],
    [
      "a job",
      () => [
        contracts.ask,
        { question: "What was the Sharpe ratio of this backtest?", jobId: own("/backtests/") },
      ],
    ],
    [
      "an account",
      () => [
        contracts.execute,
        { accountId: own("/accounts/"), instrumentId, side: "buy", type: "market", quantity: "1" },
      ],
    ],
  ];
  test.each(cases)("%s is not found", async (_name, make) => {
    const [contract, payload] = make();
    for (const { client } of outsiders) {
      const outcome = await client.submitTo(contract.path, payload, { waitS: 50 }).then(
        (job) => ({ state: job.state, text: JSON.stringify([job.error, job.result]) }),
        (error: Error) => ({ state: "refused", text: error.message }),
      );
      if (contract.name === "ask" && outcome.state === "completed")
        expect(JSON.parse(outcome.text)[1]).toMatchObject({ status: "declined" });
      else expect(["failed", "refused"]).toContain(outcome.state);
      expect(outcome.text).not.toContain("Our plan is secret");
    }
  });
});
