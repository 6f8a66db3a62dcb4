import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { newId } from "@tapedeck/core";
import type { ConsumeOptions, DeliveryOutcome, QueueItem, QueuePort } from "@tapedeck/core";
import {
  hasRedis,
  leaveOutUnless,
  tcpProxy,
  testDatabase,
  testLog,
  testRedis,
  testServerUrl,
} from "@tapedeck/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createQueue } from "./index.ts";

const consumeOptions: ConsumeOptions = { concurrency: 4, lockMs: 1_000, stallCheckMs: 300 };

async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error("it did not happen in time");
    await sleep(20);
  }
}

const item = (priority = 5): QueueItem => ({ id: newId(Date.now()), queue: "analyze", priority });

interface Side {
  /** A queue of its own, through the port where one is given. */
  make: (port?: number) => Promise<QueuePort>;
  serverPort: () => number;
  close: () => Promise<void>;
}

async function postgresSide(): Promise<Side> {
  const serverPort = Number(new URL(await testServerUrl()).port);
  const ends: (() => Promise<void>)[] = [];
  return {
    async make(port = serverPort) {
      const { url, close } = await testDatabase({ empty: true });
      const address = new URL(url);
      address.port = String(port);
      const queue = createQueue({ databaseUrl: address.href }, { log: testLog() });
      ends.push(async () => {
        await queue.close();
        await close();
      });
      return queue;
    },
    serverPort: () => serverPort,
    close: async () => void (await Promise.all(ends.map((end) => end()))),
  };
}

async function redisSide(): Promise<Side> {
  const redis = await testRedis();
  const made: QueuePort[] = [];
  return {
    async make(port = redis.port) {
      const prefix = randomBytes(4).toString("hex");
      const queue = createQueue({ redisUrl: `redis://127.0.0.1:${port}` }, { log: testLog(), prefix });
      made.push(queue);
      return queue;
    },
    serverPort: () => redis.port,
    async close() {
      await Promise.all(made.map((queue) => queue.close()));
      await redis.close();
    },
  };
}

function contract(makeSide: () => Promise<Side>): void {
  let side: Side;
  beforeAll(async () => {
    side = await makeSide();
  });
  afterAll(async () => await side.close());

  /** A queue whose consumers start only once it answers. */
  async function ready(port?: number): Promise<QueuePort> {
    const queue = await side.make(port);
    await until(() => queue.ping(1_000));
    return queue;
  }

  test("delivers every item once, with its trace, and forgets it when it is done", async () => {
    const queue = await ready();
    const items = Array.from({ length: 40 }, () => item());
    items[0]!.traceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const seen = new Map<string, string | undefined>();
    let twice = 0;
    const consumer = queue.consume("analyze", consumeOptions, async ({ id, traceParent }) => {
      if (seen.has(id)) twice++;
      seen.set(id, traceParent);
      return "done";
    });
    await queue.add(items);
    await until(() => seen.size === 40);
    expect([...seen.keys()].toSorted()).toEqual(items.map(({ id }) => id).toSorted());
    expect(seen.get(items[0]!.id)).toBe(items[0]!.traceParent);
    expect(twice).toBe(0);
    await until(
      async () =>
        (
          await queue.known(
            "analyze",
            items.map(({ id }) => id),
          )
        ).size === 0,
    );
    await consumer.close(2_000);
  });

  test("works on no more than its concurrency, and what it fetched too early goes to another consumer", async () => {
    const queue = await ready();
    const options = { ...consumeOptions, concurrency: 2 };
    const long = [item(9), item(9)];
    const held = Promise.withResolvers<void>();
    const seen = { first: 0, second: 0 };
    let atOnce = 0;
    let most = 0;
    const first = queue.consume("analyze", options, async ({ id }, _signal, worked) => {
      most = Math.max(most, ++atOnce);
      if (long.some((one) => one.id === id)) await held.promise;
      else await sleep(2);
      seen.first++;
      atOnce--;
      worked();
      await sleep(5);
      return "done";
    });
    await queue.add([...Array.from({ length: 60 }, () => item()), ...long]);
    await until(() => seen.first === 60 && atOnce === 2);
    const rest = Array.from({ length: 10 }, () => item());
    await queue.add(rest);
    const second = queue.consume("analyze", options, async () => {
      seen.second++;
      return "done";
    });
    await until(() => seen.second === 10);
    expect(seen.first).toBe(60);
    held.resolve();
    await until(() => seen.first === 62);
    expect(most).toBe(2);
    await Promise.all([first.close(2_000), second.close(2_000)]);
  });

  test("an id that it knows is left alone; two adds of the same ids in opposite order both succeed", async () => {
    const queue = await ready();
    const items = Array.from({ length: 200 }, () => item());
    await Promise.all([queue.add(items), queue.add(items.toReversed()), queue.add(items)]);
    expect((await queue.depth("analyze")).prioritized).toBe(200);
    expect((await queue.known("analyze", [...items.map(({ id }) => id), newId(Date.now())])).size).toBe(200);
  });

  test("runs the smallest priority first, then the oldest", async () => {
    const queue = await ready();
    const items = [item(7), item(2), item(100_000), item(2), item(1)];
    for (const one of items) await queue.add([one]);
    const order: string[] = [];
    const consumer = queue.consume("analyze", { ...consumeOptions, concurrency: 1 }, async ({ id }) => {
      order.push(id);
      return "done";
    });
    await until(() => order.length === 5);
    expect(order.map((id) => items.findIndex((one) => one.id === id))).toEqual([4, 1, 3, 0, 2]);
    await consumer.close(2_000);
  });

  test("what is put to the front runs next, in that order; what runs or is unknown is left alone", async () => {
    const queue = await ready();
    const items = [item(1), item(2), item(3), item(4)];
    const order: string[] = [];
    let release: (() => void) | undefined;
    const consumer = queue.consume("analyze", { ...consumeOptions, concurrency: 1 }, async ({ id }) => {
      order.push(id);
      await new Promise<void>((resolve) => (release = resolve));
      return "done";
    });
    await queue.add([items[0]!]);
    await until(() => order.length === 1);
    await queue.add(items.slice(1));
    await queue.toFront("analyze", [items[3]!.id, items[2]!.id, items[0]!.id, newId(Date.now())]);
    for (let ran = 1; ran <= 4; ran++) {
      await until(() => order.length === ran);
      release!();
    }
    expect(order.map((id) => items.findIndex((one) => one.id === id))).toEqual([0, 3, 2, 1]);
    await consumer.close(2_000);
  });

  test("removes what waits, not what runs, and says which", async () => {
    const queue = await ready();
    const [first, second] = [item(), item()];
    let release: (() => void) | undefined;
    const consumer = queue.consume("analyze", { ...consumeOptions, concurrency: 1 }, async () => {
      await new Promise<void>((resolve) => (release = resolve));
      return "done";
    });
    await queue.add([first]);
    await until(() => release !== undefined);
    await queue.add([second]);
    expect(await queue.depth("analyze")).toEqual({ waiting: 0, prioritized: 1, delayed: 0, active: 1 });
    expect(await queue.remove("analyze", first.id)).toBe(false);
    expect(await queue.remove("analyze", second.id)).toBe(true);
    expect(await queue.remove("analyze", second.id)).toBe(false);
    expect(await queue.depth("analyze")).toMatchObject({ prioritized: 0, active: 1 });
    release!();
    await consumer.close(2_000);
  });

  test("pauses and resumes a queue for everybody", async () => {
    const queue = await ready();
    await queue.pause("analyze");
    expect(await queue.paused("analyze")).toBe(true);
    const seen: string[] = [];
    const consumer = queue.consume("analyze", consumeOptions, async ({ id }) => {
      seen.push(id);
      return "done";
    });
    await queue.add([item()]);
    await sleep(700);
    expect(seen).toEqual([]);
    const { waiting, prioritized } = await queue.depth("analyze");
    expect(waiting + prioritized).toBe(1);
    await queue.resume("analyze");
    await until(() => seen.length === 1);
    await consumer.close(2_000);
  });

  test("aborts a running delivery here, and only one that is here", async () => {
    const queue = await ready();
    const reasons: unknown[] = [];
    const consumer = queue.consume("analyze", consumeOptions, async (_delivery, signal) => {
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      reasons.push(signal.reason);
      return "done";
    });
    const one = item();
    await queue.add([one]);
    await until(() => consumer.running().includes(one.id));
    expect(consumer.abort(newId(Date.now()), "no")).toBe(false);
    expect(consumer.abort(one.id, "enough")).toBe(true);
    await until(() => reasons.length === 1);
    expect(reasons).toEqual(["enough"]);
    await until(() => consumer.running().length === 0);
    await consumer.close(2_000);
  });

  test("keeps the lock of a long delivery, however long", async () => {
    const queue = await ready();
    let runs = 0;
    const work = async (): Promise<DeliveryOutcome> => {
      runs++;
      await sleep(3_500);
      return "done";
    };
    const consumers = [1, 2].map(() => queue.consume("analyze", consumeOptions, work));
    const one = item();
    await queue.add([one]);
    await until(async () => runs > 0 && (await queue.known("analyze", [one.id])).size === 0);
    expect(runs).toBe(1);
    await Promise.all(consumers.map((consumer) => consumer.close(2_000)));
  });

  test("closing hands running deliveries back to the front for another consumer", async () => {
    const queue = await ready();
    const first = queue.consume(
      "analyze",
      { ...consumeOptions, concurrency: 1, lockMs: 60_000 },
      async (_delivery, signal) => {
        await new Promise<void>((resolve) =>
          signal.addEventListener("abort", () => resolve(), { once: true }),
        );
        return "requeue";
      },
    );
    const [long, later] = [item(5), item(5)];
    await queue.add([long]);
    await until(() => first.running().length === 1);
    await queue.add([later]);
    await first.close(1_000);
    const order: string[] = [];
    const second = queue.consume("analyze", { ...consumeOptions, concurrency: 1 }, async ({ id }) => {
      order.push(id);
      return "done";
    });
    // Handed back, not waited for: the lock alone would have taken a minute.
    await until(() => order.length === 2);
    expect(order).toEqual([long.id, later.id]);
    await second.close(2_000);
  });

  test("a delivery that is handed back wakes an idle consumer", async () => {
    const queue = await ready();
    const first = queue.consume(
      "analyze",
      { ...consumeOptions, lockMs: 60_000 },
      async (_delivery, signal) => {
        await new Promise<void>((resolve) =>
          signal.addEventListener("abort", () => resolve(), { once: true }),
        );
        return "requeue";
      },
    );
    await queue.add([item()]);
    await until(() => first.running().length === 1);
    let taken = 0;
    const second = queue.consume("analyze", consumeOptions, async () => {
      taken++;
      return "done";
    });
    // Long enough for the second to have found nothing and to wait.
    await sleep(1_000);
    await first.close(400);
    await until(() => taken === 1);
    await second.close(2_000);
  });

  test("a handler that throws loses nothing", async () => {
    const queue = await ready();
    let runs = 0;
    const consumer = queue.consume("analyze", consumeOptions, async () => {
      if (++runs === 1) throw new Error("a defect");
      return "done";
    });
    await queue.add([item()]);
    await until(() => runs === 2);
    await consumer.close(2_000);
  });

  test("built while the server is away, it works once the server is there; calls fail soon until then", async () => {
    const proxy = await tcpProxy(side.serverPort());
    const { port } = proxy;
    await proxy.close();
    const queue = await side.make(port);
    const seen: string[] = [];
    const consumer = queue.consume("analyze", consumeOptions, async ({ id }) => {
      seen.push(id);
      return "done";
    });
    const started = performance.now();
    await expect(queue.add([item()])).rejects.toMatchObject({ code: "service.unavailable", retryable: true });
    expect(await queue.ping(500)).toBe(false);
    expect(performance.now() - started).toBeLessThan(12_000);
    const back = await tcpProxy(side.serverPort(), port);
    const one = item();
    await until(() =>
      queue.add([one]).then(
        () => true,
        () => false,
      ),
    );
    await until(() => seen.includes(one.id), 8_000);
    await consumer.close(2_000);
    await queue.close();
    await back.close();
  });

  test("a connection that goes silent fails an add within seconds and recovers", async () => {
    const proxy = await tcpProxy(side.serverPort());
    const queue = await ready(proxy.port);
    const seen: string[] = [];
    const consumer = queue.consume("analyze", { ...consumeOptions, lockMs: 3_000 }, async ({ id }) => {
      seen.push(id);
      return "done";
    });
    const before = item();
    await queue.add([before]);
    await until(() => seen.includes(before.id));
    proxy.blackHole();
    const started = performance.now();
    await expect(queue.add([item()])).rejects.toMatchObject({ code: "service.unavailable" });
    expect(performance.now() - started).toBeLessThan(12_000);
    await sleep(1_000);
    proxy.heal();
    const after = item();
    await until(() =>
      queue.add([after]).then(
        () => true,
        () => false,
      ),
    );
    await until(() => seen.includes(after.id), 30_000);
    await consumer.close(2_000);
    await queue.close();
    await proxy.close();
  });

  test("an add whose answer was lost may be repeated: one delivery", async () => {
    const proxy = await tcpProxy(side.serverPort());
    const queue = await ready(proxy.port);
    await queue.add([item()]);
    const one = item();
    const lost = proxy.loseAnswerTo(one.id);
    await queue.add([one]).catch(() => undefined);
    await lost;
    await until(() =>
      queue.add([one]).then(
        () => true,
        () => false,
      ),
    );
    expect((await queue.depth("analyze")).prioritized).toBe(2);
    await queue.close();
    await proxy.close();
  });

  test("closing with the server away ends inside the deadline", async () => {
    const proxy = await tcpProxy(side.serverPort());
    const queue = await ready(proxy.port);
    const consumer = queue.consume("analyze", consumeOptions, async (_delivery, signal) => {
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      return "requeue";
    });
    await queue.add([item()]);
    await until(() => consumer.running().length === 1);
    await proxy.close();
    const started = performance.now();
    await consumer.close(2_000);
    expect(performance.now() - started).toBeLessThan(10_000);
    await queue.close();
    expect(performance.now() - started).toBeLessThan(20_000);
  });
}

leaveOutUnless(true, "PostgreSQL")("the queue on PostgreSQL", () => contract(postgresSide));
leaveOutUnless(hasRedis, "redis-server")("the queue on Redis", () => contract(redisSide));
