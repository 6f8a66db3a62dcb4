import { setTimeout as sleep } from "node:timers/promises";
import type { Bus } from "@tapedeck/core";
import { hasRedis, leaveOutUnless, tcpProxy, testDatabase, testLog, testRedis } from "@tapedeck/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createBus } from "./index.ts";
import type { BusTarget } from "./index.ts";

async function until(condition: () => boolean, timeoutMs = 15_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error("it did not happen in time");
    await sleep(10);
  }
}

interface Side {
  target: (port?: number) => BusTarget;
  port: number;
  close: () => Promise<void>;
}

async function postgresSide(): Promise<Side> {
  const { url, close } = await testDatabase({ empty: true });
  const port = Number(new URL(url).port);
  return {
    port,
    close,
    target(through = port) {
      const address = new URL(url);
      address.port = String(through);
      return { databaseUrl: address.href };
    },
  };
}

async function redisSide(): Promise<Side> {
  const redis = await testRedis();
  return {
    port: redis.port,
    close: redis.close,
    target: (port = redis.port) => ({ redisUrl: `redis://127.0.0.1:${port}` }),
  };
}

function contract(makeSide: () => Promise<Side>): void {
  let side: Side;
  const buses: Bus[] = [];
  const make = (port?: number): Bus => {
    const bus = createBus(side.target(port), { log: testLog() });
    buses.push(bus);
    return bus;
  };
  beforeAll(async () => {
    side = await makeSide();
  });
  afterAll(async () => {
    await Promise.all(buses.map((bus) => bus.close()));
    await side.close();
  });

  /** Resolves when `to` hears `from`; what was published before may have been lost. */
  async function connected(from: Bus, to: Bus): Promise<void> {
    let heard = false;
    const stop = to.subscribe("work", () => (heard = true));
    await until(() => {
      from.publish("work", "hello");
      return heard;
    });
    stop();
  }

  test("wakes listeners of the channel in every process, the publisher's own too", async () => {
    const [one, two] = [make(), make()];
    await connected(one, two);
    await connected(two, one);
    const heard: string[] = [];
    one.subscribe("job", (key) => heard.push(`one ${key}`));
    two.subscribe("job", (key) => heard.push(`two ${key}`));
    two.subscribe("cancel", (key) => heard.push(`cancel ${key}`));
    one.publish("job", "a");
    await until(() => heard.length === 2);
    await sleep(100);
    expect(heard.toSorted()).toEqual(["one a", "two a"]);
  });

  test("a burst for one key is one message; many keys all arrive", async () => {
    const [one, two] = [make(), make()];
    await connected(one, two);
    const heard: string[] = [];
    const stop = two.subscribe("job", (key) => heard.push(key));
    for (let i = 0; i < 1_000; i++) one.publish("job", "same");
    await until(() => heard.length > 0);
    await sleep(100);
    expect(heard).toEqual(["same"]);
    const keys = Array.from({ length: 2_000 }, (_, index) => `key-${index}-${"x".repeat(30)}`);
    for (const key of keys) one.publish("job", key);
    await until(() => heard.length === 2_001);
    expect(new Set(heard.slice(1))).toEqual(new Set(keys));
    stop();
    one.publish("job", "later");
    await sleep(150);
    expect(heard).toHaveLength(2_001);
  });

  test("a listener that throws keeps others from nothing; a bad key is refused", async () => {
    const bus = make();
    await connected(bus, bus);
    let heard = 0;
    bus.subscribe("cancel", () => {
      throw new Error("a defect");
    });
    bus.subscribe("cancel", () => heard++);
    bus.publish("cancel", "a");
    await until(() => heard === 1);
    expect(() => bus.publish("cancel", "two words")).toThrow("not a bus message");
  });

  test("comes back after its connections were cut and after the network swallowed them", async () => {
    const proxy = await tcpProxy(side.port);
    const [one, two] = [make(proxy.port), make()];
    await connected(one, two);
    await connected(two, one);
    proxy.reset();
    await connected(two, one);
    await connected(one, two);
    proxy.blackHole();
    one.publish("work", "lost");
    await sleep(300);
    proxy.heal();
    await connected(two, one);
    await connected(one, two);
    await one.close();
    await proxy.close();
  });
}

leaveOutUnless(true, "PostgreSQL")("the bus on PostgreSQL", () => contract(postgresSide));
leaveOutUnless(hasRedis, "redis-server")("the bus on Redis", () => contract(redisSide));
