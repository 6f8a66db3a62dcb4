import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { testLog } from "@tapedeck/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Chunk } from "./chunk.ts";
import { createRecorder } from "./recorder.ts";
import { openSpill } from "./spill.ts";

const runId = "01890000-0000-7000-8000-000000000000";

async function inFolder<T>(work: (file: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(path.join(tmpdir(), "tapedeck-spill-"));
  try {
    return await work(path.join(dir, "stream.spill"));
  } finally {
    await rm(dir, { recursive: true });
  }
}

const numbersOf = (chunk: Chunk) => chunk.instruments["A"]!.ticks.price;
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("whatever attempts fail, hang or are overtaken: no more rows in memory than allowed, each stored, in their order", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ ticks: fc.nat(40), turns: fc.nat(3) }), { maxLength: 30 }),
      fc.infiniteStream(fc.constantFrom("stored", "failed", "hangs")),
      (steps, outcomes) =>
        inFolder(async (file) => {
          const spill = await openSpill(file, 1e9, testLog());
          const stored: number[][] = [];
          let isCalm = false;
          const hanging: (() => void)[] = [];
          const recorder = createRecorder({
            runId,
            async store(chunk) {
              const { value: outcome } = outcomes.next();
              if (!isCalm && outcome === "hangs") await new Promise<void>((resolve) => hanging.push(resolve));
              if (!isCalm && outcome === "failed") throw new Error("away");
              stored.push(numbersOf(chunk));
            },
            spill,
            log: testLog(),
            keep: () => ({ place: null, bars: [] }),
            everyMs: 1,
            chunkRows: 4,
            maxRows: 12,
          });
          let sent = 0;
          for (const { ticks, turns } of steps) {
            for (let i = 0; i < ticks; i++) {
              recorder.tick({
                venue: "V",
                instrumentId: "A",
                seq: sent + 1,
                eventMs: sent,
                receivedMs: sent,
                price: sent,
                size: 1,
                side: "buy",
                ordinal: 0,
              });
              sent += 1;
              expect(recorder.stats().pending).toBeLessThanOrEqual(12);
            }
            for (let i = 0; i < turns; i++) await turn();
            hanging.shift()?.();
          }
          isCalm = true;
          for (const go of hanging) go();
          while (!(await recorder.flush()) || recorder.stats().pending > 0) await turn();
          await recorder.close(1_000);
          expect(recorder.stats()).toMatchObject({ pending: 0, spillBytes: 0, lost: 0, setAside: 0 });
          // A chunk may be stored again right after itself, never after a later one.
          const firsts = stored.map(([first]) => first!);
          expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
          expect([...new Set(stored.flat())]).toEqual(Array.from({ length: sent }, (_, i) => i));
        }),
    ),
    { numRuns: 60 },
  ));

test("the file holds what was appended before a crash; a line that was cut off is set aside", () =>
  inFolder(async (file) => {
    const one = await openSpill(file, 1e9, testLog());
    const chunk = (price: number): Chunk => ({
      runId,
      rows: 1,
      instruments: {
        A: {
          ticks: { eventMs: [1], ordinal: [0], price: [price], size: [1], venue: ["V"] },
          bars: {},
          kept: { place: null, bars: [] },
        },
      },
    });
    expect(one.append(chunk(1))).toBe(true);
    await writeFile(file, '{"runId"', { flag: "a" });
    const two = await openSpill(file, 1e9, testLog());
    expect(two.append(chunk(2))).toBe(true);
    const seen: number[] = [];
    // One that is appended while the file is read is handed over too.
    const rows = await two.replay(async (read) => {
      seen.push(...numbersOf(read));
      if (seen.length === 2) two.append(chunk(3));
      await turn();
    });
    expect([rows, seen, two.bytes(), two.setAside()]).toEqual([3, [1, 2, 3], 0, 1]);
    await expect(stat(file)).rejects.toMatchObject({ code: "ENOENT" });
    expect((await openSpill(file, 10, testLog())).append(chunk(4))).toBe(false);
  }));
