import { testBlobs, testDatabase } from "@tapedeck/testkit";
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Caller } from "@tapedeck/core";
import type { Database } from "../db.ts";
import { boundaryOf, firstFile } from "./multipart.ts";
import { uploadRouteHandlers } from "./read.ts";
import { createUploadStore } from "./store.ts";

const tenantId = "01900000-0000-7000-8000-000000000001";
const caller: Caller = { principalId: "p", kind: "key", tenantId, role: "analyst", requestId: "r" };
let database: Awaited<ReturnType<typeof testDatabase<Database>>>;
let store: Awaited<ReturnType<typeof testBlobs>>;
let uploads: ReturnType<typeof createUploadStore>;
beforeAll(async () => {
  database = await testDatabase<Database>();
  store = await testBlobs();
  uploads = createUploadStore({
    db: database.db,
    blobs: store.blobs,
    now: () => Date.now(),
    maxBytes: 1_000_000,
    quotaBytes: 3_000_000,
  });
});
afterAll(async () => {
  await database.close();
  await store.close();
});

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(data: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of data) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("multipart bodies", () => {
  // Looks like its own boundary in places.
  const content = Buffer.from("a,b\r\n--\r\n--xyz\r\n1,2\r\n\r\n--xyzz-\r\n".repeat(50));
  const body = Buffer.concat([
    Buffer.from('--xyzzy\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'),
    Buffer.from(
      '--xyzzy\r\nContent-Disposition: form-data; name="file"; filename="my \\"bars\\".csv"\r\nContent-Type: text/csv\r\n\r\n',
    ),
    content,
    Buffer.from("\r\n--xyzzy--\r\n"),
  ]);
  test.each([1, 2, 3, 7, 64, 100_000])("the file comes out whole, cut at %i bytes", async (size) => {
    const file = await firstFile(cut(body, size), "xyzzy");
    expect(file.filename).toBe('my "bars".csv');
    expect((await collect(file.data)).equals(content)).toBe(true);
  });
  test("an empty file", async () => {
    const empty = Buffer.from(
      '--b\r\nContent-Disposition: form-data; name="f"; filename="e.csv"\r\n\r\n\r\n--b--\r\n',
    );
    expect(await collect((await firstFile(cut(empty, 5), "b")).data)).toHaveLength(0);
  });
  test.each([
    ["that holds no file", '--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--b--\r\n'],
    ["that ends early", '--b\r\nContent-Disposition: form-data; name="f"; filename="e.csv"\r\n\r\nabc'],
    ["that is none", "hello"],
    [
      "whose name is badly encoded",
      "--b\r\nContent-Disposition: form-data; name=\"f\"; filename*=UTF-8''%zz\r\n\r\nabc\r\n--b--\r\n",
    ],
  ])("one %s is refused", async (_name, text) => {
    await expect(
      firstFile(cut(Buffer.from(text), 4), "b").then((file) => collect(file.data)),
    ).rejects.toMatchObject({ code: "request.malformed" });
  });
  test("a content type without a boundary is refused", () => {
    expect(() => boundaryOf("multipart/form-data")).toThrow(/no boundary/);
    expect(boundaryOf('multipart/form-data; boundary="a b"')).toBe("a b");
  });
});

describe("uploads", () => {
  const post = (request: Request, filename?: string) =>
    uploadRouteHandlers.postUpload(
      { uploads },
      { request, query: { filename }, params: undefined, body: undefined },
      caller,
    ) as Promise<Response>;

  test("a form as browsers send it", async () => {
    const form = new FormData();
    form.set("file", new File(["date,close\n2020-01-02,1\n"], "spy.csv"));
    const answer = await post(new Request("http://x/api/uploads", { method: "POST", body: form }));
    expect(answer.status).toBe(201);
    const upload = (await answer.json()) as { id: string };
    expect(answer.headers.get("location")).toBe(`/api/uploads/${upload.id}`);
    const kept = await uploads.get(tenantId, upload.id);
    expect(kept).toMatchObject({ filename: "spy.csv", bytes: 24 });
    expect((await collect(store.blobs.get(kept.blobKey))).toString()).toBe("date,close\n2020-01-02,1\n");
    expect(kept.sha256).toBe(createHash("sha256").update("date,close\n2020-01-02,1\n").digest("hex"));
  });

  test("a plain body, streamed; without a name it is refused", async () => {
    const request = () => new Request("http://x/api/uploads", { method: "POST", body: "abc" });
    const upload = (await (await post(request(), "../../etc/x.csv")).json()) as object;
    expect(upload).toMatchObject({ filename: "x.csv", bytes: 3 });
    await expect(post(request())).rejects.toMatchObject({ code: "payload.invalid" });
  });

  test("one over the limit is refused while it comes, and leaves nothing", async () => {
    let sent = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        sent += 65_536;
        yield new Uint8Array(65_536);
      }
    }
    await expect(uploads.add(tenantId, { filename: "big", data: endless() })).rejects.toMatchObject({
      code: "payload.tooLarge",
    });
    expect(sent).toBeLessThan(1_200_000);
    const keys: string[] = [];
    for await (const key of store.blobs.list("uploads/")) keys.push(key);
    const listed = await uploads.list(tenantId, { limit: 100 });
    expect(keys).toHaveLength(listed.items.length);
  });

  test("the files of a tenant together stay below its quota, also when several come at once", async () => {
    const rich = "01900000-0000-7000-8000-000000000003";
    const file = (bytes: number) => ({ filename: "a.csv", data: cut(new Uint8Array(bytes), 65_536) });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, () => uploads.add(rich, file(900_000))),
    );
    const refused = outcomes.filter((one) => one.status === "rejected");
    expect(refused.map(({ reason }) => (reason as { code: string }).code)).toEqual([
      "quota.exceeded",
      "quota.exceeded",
    ]);
    await expect(uploads.add(rich, file(300_001))).rejects.toMatchObject({
      code: "quota.exceeded",
      details: { quotaBytes: 3_000_000 },
    });
    const { items } = await uploads.list(rich, { limit: 10 });
    const keys: string[] = [];
    for await (const key of store.blobs.list(`uploads/${rich}/`)) keys.push(key);
    expect([items.length, keys.length]).toEqual([3, 3]);
    await uploads.remove(rich, items[0]!.id);
    await uploads.add(rich, file(900_000));
    await uploads.add(tenantId, file(10));
  });

  test("lists pages newest first, and another tenant sees and erases none", async () => {
    const first = await uploads.list(tenantId, { limit: 1 });
    expect(first.nextCursor).not.toBeNull();
    const second = await uploads.list(tenantId, { limit: 1, cursor: first.nextCursor! });
    expect(second.items[0]!.id < first.items[0]!.id).toBe(true);
    const other = "01900000-0000-7000-8000-000000000002";
    expect((await uploads.list(other, { limit: 10 })).items).toEqual([]);
    await expect(uploads.remove(other, first.items[0]!.id)).rejects.toMatchObject({ code: "upload.unknown" });
    await uploads.remove(tenantId, first.items[0]!.id);
    await expect(uploads.get(tenantId, first.items[0]!.id)).rejects.toMatchObject({ code: "upload.unknown" });
  });
});
