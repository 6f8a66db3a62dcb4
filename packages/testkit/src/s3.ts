import { createHash, createHmac, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";

export interface TestS3 {
  endpoint: string;
  bucket: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
  /** Multipart uploads that were begun and neither completed nor aborted. */
  openUploads: () => number;
  /** Answers the next requests with 503. */
  failNext: (count: number) => void;
  close: () => Promise<void>;
}

const hex = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");
const hmac = (key: string | Buffer, data: string) => createHmac("sha256", key).update(data).digest();

/** AWS Signature Version 4, as the server side computes it. */
function signatureOf(request: IncomingMessage, url: URL, secret: string): string | undefined {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? "",
    );
  if (match === null) return undefined;
  const [, , day, region, names, sent] = match;
  const query = [...url.searchParams]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .toSorted()
    .join("&");
  const headers = names!.split(";").map((name) => `${name}:${String(request.headers[name] ?? "").trim()}\n`);
  const canonical = [
    request.method,
    url.pathname,
    query,
    headers.join(""),
    names,
    request.headers["x-amz-content-sha256"],
  ].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, hex(canonical)].join("\n");
  const key = ["s3", "aws4_request"].reduce(hmac, hmac(hmac(`AWS4${secret}`, day!), region!));
  return hmac(key, toSign).toString("hex") === sent ? match[1] : undefined;
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const escapeXml = (text: string) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");

/** An S3 server on loopback: one bucket, objects in memory, signatures checked, pages of 100 keys, multipart uploads. */
export async function testS3(): Promise<TestS3> {
  const bucket = "tapes";
  const credentials = { accessKeyId: "TESTKEY", secretAccessKey: randomBytes(16).toString("hex") };
  const objects = new Map<string, Buffer>();
  const uploads = new Map<string, Map<number, Buffer>>();
  let failures = 0;

  function xml(response: ServerResponse, status: number, body: string): void {
    response.writeHead(status, { "content-type": "application/xml" }).end(`<?xml version="1.0"?>${body}`);
  }
  const refuse = (response: ServerResponse, status: number, code: string) =>
    xml(response, status, `<Error><Code>${code}</Code><Message>${code}</Message></Error>`);

  function list(response: ServerResponse, query: URLSearchParams): void {
    const prefix = query.get("prefix") ?? "";
    const after = query.get("continuation-token") ?? "";
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).toSorted();
    const page = keys.slice(0, 100);
    const more = keys.length > page.length;
    const contents = page.map(
      (key) => `<Contents><Key>${escapeXml(key)}</Key><Size>${objects.get(key)!.length}</Size></Contents>`,
    );
    xml(
      response,
      200,
      `<ListBucketResult><IsTruncated>${more}</IsTruncated>${
        more ? `<NextContinuationToken>${escapeXml(page.at(-1)!)}</NextContinuationToken>` : ""
      }${contents.join("")}</ListBucketResult>`,
    );
  }

  function read(request: IncomingMessage, response: ServerResponse, object: Buffer | undefined): void {
    if (object === undefined) return refuse(response, 404, "NoSuchKey");
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const body = range === null ? object : object.subarray(Number(range[1]), Number(range[2]) + 1);
    response.writeHead(range === null ? 200 : 206, { "content-length": body.length });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  async function change(
    request: IncomingMessage,
    response: ServerResponse,
    key: string,
    query: URLSearchParams,
  ) {
    const body = await readBody(request);
    const declared = request.headers["x-amz-content-sha256"];
    if (typeof declared === "string" && /^[0-9a-f]{64}$/.test(declared) && declared !== hex(body)) {
      return refuse(response, 400, "XAmzContentSHA256Mismatch");
    }
    const id = query.get("uploadId");
    const upload = id === null ? undefined : uploads.get(id);
    if (id !== null && upload === undefined) return refuse(response, 404, "NoSuchUpload");
    if (request.method === "POST" && query.has("uploads")) {
      const uploadId = randomBytes(8).toString("hex");
      uploads.set(uploadId, new Map());
      return xml(
        response,
        200,
        `<InitiateMultipartUploadResult><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`,
      );
    }
    if (request.method === "PUT") {
      if (upload === undefined) objects.set(key, body);
      else upload.set(Number(query.get("partNumber")), body);
      return response.writeHead(200, { etag: `"${hex(body).slice(0, 32)}"` }).end();
    }
    if (request.method === "POST" && upload !== undefined) {
      const ordered = [...upload].toSorted(([a], [b]) => a - b).map(([, part]) => part);
      if (ordered.slice(0, -1).some((part) => part.length < 5 << 20))
        return refuse(response, 400, "EntityTooSmall");
      objects.set(key, Buffer.concat(ordered));
      uploads.delete(id!);
      return xml(
        response,
        200,
        `<CompleteMultipartUploadResult><ETag>"x"</ETag></CompleteMultipartUploadResult>`,
      );
    }
    if (request.method === "DELETE") {
      if (id === null) objects.delete(key);
      else uploads.delete(id);
      return response.writeHead(204).end();
    }
    return refuse(response, 405, "MethodNotAllowed");
  }

  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url!, "http://s3");
      if (failures > 0) {
        failures--;
        request.resume();
        return refuse(response, 503, "SlowDown");
      }
      if (signatureOf(request, url, credentials.secretAccessKey) !== credentials.accessKeyId) {
        request.resume();
        return refuse(response, 403, "SignatureDoesNotMatch");
      }
      const [name, ...rest] = url.pathname.slice(1).split("/").map(decodeURIComponent);
      const key = rest.join("/");
      if (name !== bucket) return refuse(response, 404, "NoSuchBucket");
      if (key === "") return list(response, url.searchParams);
      if (request.method === "GET" || request.method === "HEAD")
        return read(request, response, objects.get(key));
      return await change(request, response, key, url.searchParams);
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    bucket,
    credentials,
    openUploads: () => uploads.size,
    failNext: (count) => void (failures = count),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
