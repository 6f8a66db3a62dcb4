import { readdir } from "node:fs/promises";
import path from "node:path";
import type { BlobStore } from "@tapedeck/core";
import { testBlobs, testS3 } from "@tapedeck/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createS3Blobs } from "./index.ts";

interface Side {
  blobs: BlobStore;
  /** Traces of writes that did not end. */
  leftovers: () => Promise<number>;
  close: () => Promise<void>;
}

async function folderSide(): Promise<Side> {
  const { blobs, dir, close } = await testBlobs();
  return { blobs, close, leftovers: async () => (await readdir(path.join(dir, ".staging"))).length };
}

async function s3Side(): Promise<Side> {
  const { endpoint, bucket, credentials, openUploads, close } = await testS3();
  const blobs = createS3Blobs({ endpoint, bucket, credentials, region: "us-east-1", prefix: "deployment/" });
  return { blobs, close, leftovers: () => Promise.resolve(openUploads()) };
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function keys(source: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const key of source) all.push(key);
  return all.toSorted();
}

async function* inChunks(data: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
  await Promise.resolve();
}

const pattern = (length: number) =>
  Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff);

describe.each([
  ["a folder", folderSide],
  ["S3", s3Side],
])("blobs in %s", (_name, makeSide) => {
  let side: Side;
  let blobs: BlobStore;
  beforeAll(async () => {
    side = await makeSide();
    blobs = side.blobs;
  });
  afterAll(async () => await side.close());

  test.each([
    ["nothing", 0, 1],
    ["a few bytes", 11, 3],
    ["exactly one part", 8 << 20, 1 << 20],
    ["several parts", (20 << 20) + 7, 700_001],
  ])("what is put is got: %s", async (name, length, chunk) => {
    const data = pattern(length);
    const key = `data/${name.replaceAll(" ", "_")}`;
    expect(await blobs.put(key, inChunks(data, chunk))).toBe(length);
    expect(await blobs.size(key)).toBe(length);
    expect((await collect(blobs.get(key))).equals(data)).toBe(true);
    const target = new Uint8Array(new SharedArrayBuffer(length));
    await blobs.readInto(key, target);
    expect(Buffer.from(target).equals(data)).toBe(true);
    expect(await blobs.put(`${key}.whole`, data)).toBe(length);
    expect(await blobs.size(`${key}.whole`)).toBe(length);
    expect(await side.leftovers()).toBe(0);
  });

  test("a range is half-open", async () => {
    await blobs.put("range", new TextEncoder().encode("0123456789"));
    expect((await collect(blobs.get("range", { start: 2, end: 5 }))).toString()).toBe("234");
    expect((await collect(blobs.get("range", { start: 9, end: 10 }))).toString()).toBe("9");
    expect((await collect(blobs.get("range", { start: 4, end: 4 }))).length).toBe(0);
  });

  test("a put replaces, a failed put changes nothing and leaves nothing", async () => {
    await blobs.put("kept", new TextEncoder().encode("old"));
    const broken = async function* broken() {
      yield pattern(9 << 20);
      await Promise.resolve();
      throw new Error("the client went away");
    };
    await expect(blobs.put("kept", broken())).rejects.toThrow("the client went away");
    expect((await collect(blobs.get("kept"))).toString()).toBe("old");
    expect(await side.leftovers()).toBe(0);
    await blobs.put("kept", new TextEncoder().encode("new"));
    expect((await collect(blobs.get("kept"))).toString()).toBe("new");
  });

  test("what is not there: size undefined, reading says so, deleting is no error", async () => {
    expect(await blobs.size("absent")).toBeUndefined();
    await expect(collect(blobs.get("absent"))).rejects.toMatchObject({ code: "data.missing" });
    await expect(blobs.readInto("absent", new Uint8Array(1))).rejects.toMatchObject({ code: "data.missing" });
    await expect(collect(blobs.get("absent", { start: 0, end: 0 }))).rejects.toMatchObject({
      code: "data.missing",
    });
    await blobs.delete("absent");
    await blobs.put("gone", pattern(3));
    await blobs.delete("gone");
    expect(await blobs.size("gone")).toBeUndefined();
  });

  test("a target of another length is refused", async () => {
    await blobs.put("ten", pattern(10));
    await expect(blobs.readInto("ten", new Uint8Array(9))).rejects.toThrow("has 10 bytes, the target 9");
  });

  test("lists by prefix, also more than a page", async () => {
    const wanted = Array.from({ length: 230 }, (_, index) => `list/a/${String(index).padStart(3, "0")}`);
    for (const key of wanted) await blobs.put(key, new Uint8Array([1]));
    await blobs.put("list/b", new Uint8Array([1]));
    expect(await keys(blobs.list("list/a/"))).toEqual(wanted);
    expect(await keys(blobs.list("list/a/01"))).toEqual(wanted.slice(10, 20));
    expect(await keys(blobs.list("list/"))).toHaveLength(231);
    expect(await keys(blobs.list("nothing/"))).toEqual([]);
  });

  test.each([
    "",
    "/a",
    "a/",
    "a//b",
    "../a",
    "a/../b",
    "a/./b",
    ".hidden",
    "a b",
    "a\\b",
    "a\u0000",
    "ä",
    "x".repeat(901),
  ])("not a key: %j", async (key) => {
    await expect(blobs.put(key, new Uint8Array([1]))).rejects.toThrow("not a blob key");
    await expect(blobs.size(key)).rejects.toThrow("not a blob key");
  });
});

test("a wrong secret and a server in trouble are service.unavailable; a short trouble is ridden out", async () => {
  const s3 = await testS3();
  const options = { endpoint: s3.endpoint, bucket: s3.bucket, region: "us-east-1" };
  const stranger = createS3Blobs({
    ...options,
    credentials: { ...s3.credentials, secretAccessKey: "wrong" },
  });
  await expect(stranger.put("a", pattern(1))).rejects.toMatchObject({ code: "service.unavailable" });
  const blobs = createS3Blobs({ ...options, credentials: s3.credentials });
  s3.failNext(2);
  expect(await blobs.put("a", pattern(5))).toBe(5);
  s3.failNext(10);
  await expect(blobs.size("a")).rejects.toMatchObject({ code: "service.unavailable", retryable: true });
  await s3.close();
  await expect(blobs.size("a")).rejects.toMatchObject({ code: "service.unavailable" });
});
