import { newId } from "@tapedeck/core";
import { insertItems } from "@tapedeck/features/sentiment/store";
import { sentimentDecay, sentimentMean } from "@tapedeck/formula";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";
import { handSource, streamFixture } from "./fixture.ts";

let fixture: Awaited<ReturnType<typeof streamFixture>>;
beforeEach(async () => {
  fixture = await streamFixture();
});
afterEach(() => fixture.close());

const instrumentId = "A.HAND";
const minute = 60_000;
const pastMinute = () => Math.floor(Date.now() / minute) * minute - 2 * minute;

/** A document about the instrument, read and scored. */
async function publish(publishedMs: number, score: number, space: string): Promise<void> {
  const documentId = newId(Date.now());
  await fixture.db.transaction().execute(async (tx) => {
    await sql`insert into documents (id, space, current_version, created_ms)
      values (${documentId}, ${space}, 1, ${publishedMs})`.execute(tx);
    await sql`insert into document_versions (document_id, version, title, topic, sources, formulas, text, content_hash,
      published_ms, recorded_ms) values (${documentId}, 1, 'news', 'news', '[]', '[]', 'text', ${documentId},
      ${publishedMs}, ${publishedMs})`.execute(tx);
    const origin = { space, documentId, version: 1, source: "news" as const, publishedMs };
    const scored = { instrumentId, score, weight: 1, mentions: 1, start: 0, end: 4 };
    await insertItems(tx, { ...origin, recordedMs: Date.now() }, [scored]);
  });
}

test("sentiment in a live formula is that of what the tenant may read, corrected by documents that come late", async () => {
  const source = handSource();
  const stream = await fixture.start(source);
  const openMs = pastMinute();
  await publish(openMs - 86_400_000, 0.5, "shared");
  await publish(openMs - 3_600_000, -1, "another tenant");
  const client = await fixture.connect(stream.url);
  const formula = 'sentiment("A.HAND", 1)';
  client.send({ op: "subscribe", channel: "formulas", instrumentId, timeframe: "1s", formula });
  await client.next((frame) => frame.type === "snapshot");
  source.send({ eventMs: openMs + 100 });
  const closeMs = openMs + 1_000;
  const mean = (...news: [publishedMs: number, score: number][]) => {
    const decays = news.map(([publishedMs]) => sentimentDecay(closeMs - publishedMs, 1));
    const sum = news.reduce((total, [, score], i) => total + score * decays[i]!, 0);
    return sentimentMean(
      sum,
      decays.reduce((a, b) => a + b, 0),
      1,
    );
  };
  const first = await client.next((frame) => frame.type === "delta");
  expect(first.data.closeMs).toBe(closeMs);
  expect(first.data.value).toBeCloseTo(mean([openMs - 86_400_000, 0.5]), 9);
  await publish(openMs - 600_000, 0.9, fixture.tenantId);
  const corrected = await client.next((frame) => frame.type === "delta" && frame.seq > first.seq);
  expect(corrected.data.closeMs).toBe(closeMs);
  expect(corrected.data.value).toBeCloseTo(mean([openMs - 86_400_000, 0.5], [openMs - 600_000, 0.9]), 9);
  client.socket.close();
});

test("an alert's formula may join prices and sentiment", async () => {
  const source = handSource();
  const stream = await fixture.start(source);
  await fixture.alertOn({
    kind: "formula",
    timeframe: "1s",
    formula: 'close > 5 and sentiment("A.HAND") > 0.1',
  });
  await expect.poll(() => stream.stats()["alerts"], { timeout: 10_000 }).toBe(1);
  const openMs = pastMinute();
  source.send({ eventMs: openMs + 100, price: 10 });
  await publish(openMs + 500, 0.8, "shared");
  source.send({ eventMs: openMs + 1_100, price: 4 });
  source.send({ eventMs: openMs + 2_100, price: 11 });
  const edges = async () =>
    (await fixture.db.selectFrom("alertTriggers").select("edgeMs").orderBy("edgeMs").execute()).map(
      ({ edgeMs }) => edgeMs - openMs,
    );
  await expect.poll(edges).toContain(3_000);
});
