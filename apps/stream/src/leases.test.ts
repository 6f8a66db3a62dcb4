import { afterEach, beforeEach, expect, test } from "vitest";
import { handSource, streamFixture } from "./fixture.ts";

let fixture: Awaited<ReturnType<typeof streamFixture>>;
beforeEach(async () => {
  fixture = await streamFixture();
});
afterEach(() => fixture.close());

const leases = { everyMs: 50, ttlMs: 600 };
const held = (stream: { stats(): Record<string, unknown> }) => stream.stats()["held"];

const stored = async () =>
  (
    await fixture.db
      .selectFrom("trades")
      .innerJoin("series", "series.seriesId", "trades.seriesId")
      .select(["series.instrumentId", "trades.price"])
      .orderBy("trades.price")
      .orderBy("series.instrumentId")
      .execute()
  ).map(({ instrumentId, price }) => [instrumentId, price]);

test("two processes share a venue's instruments; what one gives back the other takes, and nothing is stored twice", async () => {
  const [one, two] = [handSource(), handSource()];
  const first = await fixture.start(one, { leases });
  expect(held(first)).toBe(2);
  const both = (price: number) => {
    for (const source of [one, two])
      for (const instrumentId of ["A.HAND", "B.HAND"]) source.send({ instrumentId, price });
  };
  const second = await fixture.start(two, { leases, dir: `${fixture.dir}/second` });
  await expect.poll(() => [held(first), held(second)]).toEqual([1, 1]);
  const [ours] = (await fixture.db
    .selectFrom("streamPlaces")
    .innerJoin("streamRuns", "streamRuns.id", "streamPlaces.runId")
    .select("streamPlaces.instrumentId")
    .where("streamRuns.startedMs", "=", (eb) =>
      eb.selectFrom("streamRuns").select((inner) => inner.fn.max("startedMs").as("startedMs")),
    )
    .execute()) as { instrumentId: string }[];
  const client = await fixture.connect(first.url);
  client.send({ op: "subscribe", channel: "ticks", instrumentId: ours!.instrumentId });
  const refused = await client.next((frame) => frame.type === "error");
  expect(refused.message).toMatch(/^Another process of hand has/);
  client.socket.close();
  both(1);
  await expect.poll(stored).toHaveLength(2);
  await first.close(1_000);
  await expect.poll(() => held(second)).toBe(2);
  both(2);
  await expect.poll(stored).toEqual([
    ["A.HAND", 1],
    ["B.HAND", 1],
    ["A.HAND", 2],
    ["B.HAND", 2],
  ]);
});

test("rows that come late from a process that has lost an instrument are not stored", async () => {
  const source = handSource();
  const stream = await fixture.start(source, { leases: { everyMs: 100_000, ttlMs: 100_000 } });
  source.send({ price: 1 });
  await expect.poll(stored).toHaveLength(1);
  // As if it had been silent for long and another process had come.
  await fixture.db
    .updateTable("streamPlaces")
    .set({ runId: "00000000-0000-7000-8000-000000000001" })
    .where("instrumentId", "=", "A.HAND")
    .execute();
  source.send({ price: 2 });
  source.send({ instrumentId: "B.HAND", price: 3 });
  await expect.poll(stored).toEqual([
    ["A.HAND", 1],
    ["B.HAND", 3],
  ]);
  expect(stream.stats()).toMatchObject({ fenced: 1, lost: 0 });
});
