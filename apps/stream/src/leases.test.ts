import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { handSource, quickLeases as leases, streamFixture } from "./fixture.ts";

let fixture: Awaited<ReturnType<typeof streamFixture>>;
beforeEach(async () => {
  fixture = await streamFixture();
});
afterEach(() => fixture.close());

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
  // What comes to the other process is handed on, whichever a client is connected to.
  const snapshot = await client.next((frame) => frame.type === "snapshot");
  expect(snapshot).toMatchObject({ channel: "ticks", instrumentId: ours!.instrumentId, data: [] });
  both(1);
  const delta = await client.next((frame) => frame.type === "delta");
  expect(delta).toMatchObject({ instrumentId: ours!.instrumentId, seq: 1, data: { price: 1 } });
  await expect.poll(stored).toHaveLength(2);
  client.socket.close();
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

test("a client goes on wherever its instruments go", async () => {
  const [one, two] = [handSource(), handSource()];
  const first = await fixture.start(one, { leases });
  const client = await fixture.connect(first.url);
  const ids = ["A.HAND", "B.HAND"];
  for (const instrumentId of ids) client.send({ op: "subscribe", channel: "ticks", instrumentId });
  for (const id of ids) await client.next((frame) => frame.type === "snapshot" && frame.instrumentId === id);
  const send = (price: number) => {
    for (const source of [one, two]) for (const instrumentId of ids) source.send({ instrumentId, price });
  };
  /** Prints whose price is seen in a delta or, where the client began anew, in a snapshot. */
  const seen = (price: number) =>
    ids.filter((id) =>
      client.frames.some(
        (frame) =>
          frame.instrumentId === id &&
          (frame.type === "delta" ? [frame.data] : ((frame.data ?? []) as { price: number }[])).some(
            (tick) => tick.price === price,
          ),
      ),
    );
  send(1);
  await expect.poll(() => seen(1)).toEqual(ids);
  const second = await fixture.start(two, { leases, dir: `${fixture.dir}/second` });
  await expect.poll(() => [held(first), held(second)]).toEqual([1, 1]);
  await expect.poll(() => client.frames.filter((frame) => frame.type === "snapshot")).toHaveLength(3);
  send(2);
  await expect.poll(() => seen(2)).toEqual(ids);
  await second.close(1_000);
  await expect.poll(() => held(first)).toBe(2);
  await expect.poll(() => client.frames.filter((frame) => frame.type === "snapshot")).toHaveLength(4);
  send(3);
  await expect.poll(() => seen(3)).toEqual(ids);
  expect(client.frames.filter((frame) => frame.type === "error")).toEqual([]);
});

test("the simple form and event streams follow an instrument that another process holds", async () => {
  const [one, two] = [handSource(), handSource()];
  const first = await fixture.start(one, { leases });
  const second = await fixture.start(two, { leases, dir: `${fixture.dir}/second` });
  await expect.poll(() => [held(first), held(second)]).toEqual([1, 1]);
  const simple = await Promise.all(
    ["A", "B"].map((ticker) => fixture.connect(`${first.url}/stocks/${ticker}`)),
  );
  const events = await fetch(`http://127.0.0.1:${first.port}/stream?topic=ticks:A.HAND&topic=ticks:B.HAND`, {
    headers: { authorization: `Bearer ${fixture.adminKey}` },
  });
  const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (text.split("event: snapshot").length < 3) text += (await reader.read()).value;
  for (const source of [one, two])
    for (const instrumentId of ["A.HAND", "B.HAND"]) source.send({ instrumentId });
  for (const socket of simple) expect((await socket.next(() => true)).price).toBe(10);
  while (text.split("event: delta").length < 3) text += (await reader.read()).value;
  await reader.cancel();
});

test("an address that is none ends no process", async () => {
  const stream = await fixture.start(undefined);
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(stream.port, "127.0.0.1", () => socket.end("GET // HTTP/1.1\r\nhost: a\r\n\r\n"));
    let data = "";
    socket.on("data", (chunk) => (data += chunk.toString()));
    socket.on("end", () => resolve(data));
    socket.on("error", reject);
  });
  expect(answer).toMatch(/^HTTP\/1\.1 404/);
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
