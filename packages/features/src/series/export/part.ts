import { Readable } from "node:stream";

/** Bytes [from, to) of a file. */
interface Span {
  from: number;
  to: number;
}

/**
 * A file of which a client may ask a part with `Range`, to go on where a download broke off. `make` gives the same bytes
 * whenever the tag is the same; an answer with a part is made twice, the first time for its length. Several ranges at once,
 * or a range of another tag (`If-Range`), are answered with the whole file.
 */
export async function answerPart(request: Request, tag: string, make: () => Response): Promise<Response> {
  const etag = `"${tag}"`;
  const asked = rangeOf(request.headers, etag);
  const whole = make();
  const headers = new Headers(whole.headers);
  headers.set("etag", etag);
  headers.set("accept-ranges", "bytes");
  if (asked === undefined) return new Response(whole.body, { headers });
  const length = await lengthOf(whole);
  const span = spanOf(asked, length);
  if (span === undefined) {
    headers.set("content-range", `bytes */${length}`);
    return new Response(null, { status: 416, headers });
  }
  headers.set("content-range", `bytes ${span.from}-${span.to - 1}/${length}`);
  headers.set("content-length", String(span.to - span.from));
  const body = Readable.toWeb(Readable.from(cut(make(), span))) as ReadableStream<Uint8Array<ArrayBuffer>>;
  return new Response(body, { status: 206, headers });
}

interface AskedRange {
  first: number | undefined;
  last: number | undefined;
}

function rangeOf(headers: Headers, etag: string): AskedRange | undefined {
  const condition = headers.get("if-range");
  const match = /^bytes=(\d{1,15})?-(\d{1,15})?$/.exec(headers.get("range")?.trim() ?? "");
  if (match === null || (condition !== null && condition !== etag)) return undefined;
  const [first, last] = [match[1], match[2]].map((text) => (text === undefined ? undefined : Number(text)));
  const isBackward = first !== undefined && last !== undefined && last < first;
  return (first === undefined && last === undefined) || isBackward ? undefined : { first, last };
}

/** Undefined: none of the file is in it. Without a first byte `last` counts from the end. */
function spanOf({ first, last }: AskedRange, length: number): Span | undefined {
  const from = first ?? Math.max(0, length - last!);
  const to = first === undefined ? length : Math.min(length, (last ?? length) + 1);
  return from < to ? { from, to } : undefined;
}

const bytesOf = (answer: Response) => answer.body as AsyncIterable<Uint8Array>;

async function lengthOf(answer: Response): Promise<number> {
  let length = 0;
  for await (const bytes of bytesOf(answer)) length += bytes.length;
  return length;
}

async function* cut(answer: Response, { from, to }: Span): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const bytes of bytesOf(answer)) {
    const part = bytes.subarray(Math.max(0, from - at), Math.max(0, to - at));
    if (part.length > 0) yield part;
    at += bytes.length;
    if (at >= to) return;
  }
}
