import { newId } from "@tapedeck/core";
import { seedBars, sp500Bars } from "@tapedeck/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { askFixture, nowMs, tenantId } from "../ask/fixture.ts";
import type { AskFixture } from "../ask/fixture.ts";
import { LineageJob } from "./contract.ts";
import { readLineage } from "./read.ts";
import { submitReplay } from "./replay.ts";

let fixture: AskFixture;
const otherTenant = newId(nowMs);
beforeAll(async () => {
  fixture = await askFixture();
});
afterAll(async () => {
  await fixture.close();
});

const caller = (tenant: string) => ({
  principalId: newId(nowMs),
  kind: "user" as const,
  tenantId: tenant,
  role: "operator" as const,
  requestId: "test",
});

/** A finished job that read these. */
async function finished(
  tenant: string,
  type: string,
  payload: Record<string, unknown>,
  inputs: { kind: string; ref: string; label: string }[],
  more: { reusedFrom?: string } = {},
): Promise<string> {
  const { job } = await fixture.deps.jobs.submit({ caller: caller(tenant), type, payload });
  await fixture.db
    .updateTable("jobs")
    .set({
      state: "completed",
      startedMs: nowMs,
      endedMs: nowMs,
      codeVersion: "1.2.3+abc",
      reusedFrom: more.reusedFrom ?? null,
    })
    .where("id", "=", job.id)
    .execute();
  if (inputs.length > 0) {
    await fixture.db
      .insertInto("jobInputs")
      .values(inputs.map((input) => ({ jobId: job.id, details: JSON.stringify({ rows: 3 }), ...input })))
      .execute();
  }
  return job.id;
}

test("an answer leads back over its dataset to the ingest and its file", async () => {
  const first = await finished(otherTenant, "analyze", { instrumentId: "X.INDEX" }, [
    { kind: "file", ref: "hash-of-file", label: "spy-2000.csv" },
  ]);
  const second = await finished(tenantId, "analyze", { instrumentId: "Y.INDEX" }, [
    { kind: "venue", ref: "binance", label: "binance BTC/USDT 1d" },
  ]);
  const bars = await sp500Bars();
  await seedBars(
    fixture.db,
    { instrumentId: "TWO.INDEX", name: "Two sources", jobId: first },
    bars.slice(0, 300),
  );
  await fixture.db
    .updateTable("bars")
    .set({ jobId: second })
    .where("openMs", "=", bars[299]!.openMs)
    .where("jobId", "=", first)
    .execute();
  const dataset = await fixture.deps.series.dataset({
    tenantId,
    instrumentId: "TWO.INDEX",
    timeframe: "1d",
    adjustment: "raw",
  });
  const analysis = await finished(tenantId, "analyze", { instrumentId: "TWO.INDEX" }, [
    { kind: "dataset", ref: dataset.hash, label: "TWO.INDEX 1d" },
  ]);
  const answer = await finished(tenantId, "ask", { question: "What came of it?" }, [
    { kind: "job", ref: analysis, label: "analyze job" },
  ]);

  const lineage = LineageJob.parse(await readLineage(fixture.db, tenantId, answer));
  expect(lineage).toMatchObject({
    type: "ask",
    seed: expect.any(Number),
    codeVersion: "1.2.3+abc",
    contractVersion: 1,
  });
  const [read] = lineage.inputs[0]!.from;
  expect(read!.jobId).toBe(analysis);
  expect(read!.inputs[0]).toMatchObject({ kind: "dataset", ref: dataset.hash, details: { rows: 3 } });
  const ingests = read!.inputs[0]!.from;
  expect(new Set(ingests.map((one) => one.jobId))).toEqual(new Set([first, second]));
  const foreign = ingests.find((one) => one.jobId === first)!;
  expect(foreign.inputs[0]).toMatchObject({ kind: "file", label: "spy-2000.csv" });
  expect(foreign.payload).toBeNull();
  expect(ingests.find((one) => one.jobId === second)!.payload).toMatchObject({ instrumentId: "Y.INDEX" });

  // Known before the last bar: only the ingest that brought the earlier ones.
  const earlier = await fixture.deps.series.dataset({
    tenantId,
    instrumentId: "TWO.INDEX",
    timeframe: "1d",
    adjustment: "raw",
    asOfMs: bars[298]!.closeMs,
  });
  const asOf = await finished(tenantId, "analyze", { instrumentId: "TWO.INDEX", timeframe: "1d" }, [
    { kind: "dataset", ref: earlier.hash, label: "TWO.INDEX 1d" },
  ]);
  const shown = await readLineage(fixture.db, tenantId, asOf);
  expect(shown.inputs[0]!.from.map((one) => one.jobId)).toEqual([first]);
});

test("a reused result shows what the first run read", async () => {
  const original = await finished(tenantId, "analyze", { instrumentId: "SPX.INDEX" }, [
    { kind: "file", ref: "r", label: "kept" },
  ]);
  const reused = await finished(tenantId, "analyze", { instrumentId: "SPX.INDEX" }, [], {
    reusedFrom: original,
  });
  const lineage = await readLineage(fixture.db, tenantId, reused);
  expect(lineage.reusedFrom).toBe(original);
  expect(lineage.inputs.map((input) => input.label)).toEqual(["kept"]);
});

test("another tenant's job is unknown", async () => {
  const id = await finished(otherTenant, "analyze", { instrumentId: "SPX.INDEX" }, []);
  await expect(readLineage(fixture.db, tenantId, id)).rejects.toMatchObject({ code: "job.unknown" });
  await expect(readLineage(fixture.db, tenantId, newId(nowMs))).rejects.toMatchObject({
    code: "job.unknown",
  });
});

test("says how much it has no room for, and which run of the stream recorded bars", async () => {
  const runId = newId(nowMs);
  await fixture.db
    .insertInto("streamRuns")
    .values({
      id: runId,
      venue: "simulated",
      simulated: true,
      seed: 7,
      codeVersion: "1.2.3+abc",
      startedMs: nowMs,
      heartbeatMs: nowMs,
      stoppedMs: null,
    })
    .execute();
  const gone = newId(nowMs);
  const bars = await sp500Bars();
  await seedBars(fixture.db, { instrumentId: "LIVE.INDEX", name: "Live", jobId: runId }, bars.slice(0, 50));
  await fixture.db
    .updateTable("bars")
    .set({ jobId: gone })
    .where("jobId", "=", runId)
    .where("openMs", "=", bars[0]!.openMs)
    .execute();
  const { hash } = await fixture.deps.series.dataset({
    tenantId,
    instrumentId: "LIVE.INDEX",
    timeframe: "1d",
    adjustment: "raw",
  });
  const documents = Array.from({ length: 250 }, (_, at) => ({
    kind: "document",
    ref: `document-${at}`,
    label: `document ${at}`,
  }));
  const job = await finished(tenantId, "analyze", { instrumentId: "LIVE.INDEX" }, [
    { kind: "dataset", ref: hash, label: "LIVE.INDEX 1d" },
    ...documents,
  ]);
  const lineage = LineageJob.parse(await readLineage(fixture.db, tenantId, job));
  expect([lineage.inputs.length, lineage.moreInputs]).toEqual([200, 51]);
  expect(lineage.inputs[0]).toMatchObject({
    kind: "dataset",
    from: [],
    moreFrom: 1,
    streamRuns: [{ runId, venue: "simulated", simulated: true, seed: 7, stoppedMs: null }],
  });
});

test("a job that brought data in, or has not run, is not replayed", async () => {
  const source = { kind: "bundled", name: "sp500" };
  const ingest = await finished(tenantId, "ingest", { source }, []);
  const deps = { db: fixture.db, jobs: fixture.deps.jobs };
  await expect(submitReplay(deps, caller(tenantId), ingest)).rejects.toMatchObject({
    code: "resource.conflict",
  });
  const { job } = await deps.jobs.submit({
    caller: caller(tenantId),
    type: "analyze",
    payload: { instrumentId: "SPX.INDEX" },
  });
  await expect(submitReplay(deps, caller(tenantId), job.id)).rejects.toMatchObject({ code: "job.notEnded" });
});

test("jobs that read each other end the walk", async () => {
  const a = await finished(tenantId, "analyze", { instrumentId: "SPX.INDEX" }, []);
  const b = await finished(tenantId, "analyze", { instrumentId: "SPX.INDEX" }, [
    { kind: "job", ref: a, label: "a" },
  ]);
  await fixture.db
    .insertInto("jobInputs")
    .values({ jobId: a, kind: "job", ref: b, label: "b", details: null })
    .execute();
  const lineage = await readLineage(fixture.db, tenantId, a);
  expect(lineage.inputs[0]!.from[0]!.inputs[0]!.from[0]).toMatchObject({ jobId: a, inputs: [] });
});
