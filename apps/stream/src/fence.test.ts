import { fork } from "node:child_process";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { handSource, quickLeases, streamFixture } from "./fixture.ts";
import type { VenueTick } from "./source.ts";

let fixture: Awaited<ReturnType<typeof streamFixture>>;
beforeEach(async () => {
  fixture = await streamFixture();
});
afterEach(() => fixture.close());

/** Another process over the same database, and what it told last. */
function holder() {
  const args = [fixture.databaseUrl, path.join(fixture.dir, "holder"), fixture.jwtSecret];
  const child = fork(path.join(import.meta.dirname, "holder.fixture.ts"), args, { stdio: "inherit" });
  const warnings: string[] = [];
  let stats: Record<string, unknown> = {};
  child.on("message", (told: { warning: string } | Record<string, unknown>) => {
    if ("warning" in told) warnings.push(told["warning"] as string);
    else stats = told;
  });
  return {
    child,
    warnings,
    stats: () => stats,
    send: (tick: Partial<VenueTick>) => void child.send(tick),
    kill: (signal: NodeJS.Signals) => void child.kill(signal),
  };
}

test("a process that slept past its lease tells no edge that its successor tells otherwise", async () => {
  const first = holder();
  try {
    await expect.poll(() => first.stats()["held"], { timeout: 20_000 }).toBe(2);
    const source = handSource();
    const second = await fixture.start(source, { leases: quickLeases });
    await expect.poll(() => [first.stats()["held"], second.stats()["held"]]).toEqual([1, 1]);
    const [{ instrumentId }] = (await fixture.db
      .selectFrom("streamPlaces")
      .innerJoin("streamRuns", "streamRuns.id", "streamPlaces.runId")
      .select("instrumentId")
      .orderBy("startedMs")
      .execute()) as [{ instrumentId: string }];
    await fixture.alertOn({ kind: "move" }, { instrumentId });
    await expect.poll(() => first.stats()["alerts"]).toBe(1);
    first.kill("SIGSTOP");
    await expect.poll(() => second.stats()["held"], { timeout: 10_000 }).toBe(2);
    await expect.poll(() => second.stats()["alerts"]).toBe(1);
    const atMs = Date.now();
    for (const [i, price] of [100, 103].entries()) source.send({ instrumentId, eventMs: atMs + i, price });
    const edges = async () =>
      (await fixture.db.selectFrom("alertTriggers").select("edgeMs").execute()).map(({ edgeMs }) => edgeMs);
    await expect.poll(edges).toEqual([atMs + 1]);
    // The sleeper did not get the print that its successor told, and finds the move in a later one.
    for (const [i, price] of [100, 101, 104].entries())
      first.send({ instrumentId, eventMs: atMs + 2 * i, price });
    first.kill("SIGCONT");
    await expect
      .poll(() => first.warnings, { timeout: 10_000 })
      .toContain("another process has taken an instrument; this one leaves it");
    await expect.poll(() => first.stats()["unsaved"]).toBe(0);
    expect(await edges()).toEqual([atMs + 1]);
  } finally {
    first.kill("SIGKILL");
  }
});
