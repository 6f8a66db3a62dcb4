import { AppError } from "@tapedeck/core";

/** Headers of one part; more is no form's. */
const maxHeaderBytes = 16 * 1024;

function malformed(what: string): AppError {
  return new AppError("request.malformed", `The multipart body ${what}.`);
}

/** The boundary that a content type names. */
export function boundaryOf(contentType: string): string {
  const match = /;\s*boundary=(?:"([^"]{1,70})"|([^;\s]{1,70}))/i.exec(contentType);
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) throw malformed("names no boundary in its content type");
  return boundary;
}

function filenameOf(headers: string): string | undefined {
  const disposition = /^content-disposition:(.*)$/im.exec(headers)?.[1];
  if (disposition === undefined) return undefined;
  const extended = /;\s*filename\*=UTF-8''([^;\s]+)/i.exec(disposition)?.[1];
  if (extended !== undefined) {
    try {
      return decodeURIComponent(extended);
    } catch {
      throw malformed("has a filename* that is not UTF-8 in percent encoding");
    }
  }
  const match = /;\s*filename=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(disposition);
  return match === null ? undefined : (match[1]?.replaceAll(/\\(.)/g, "$1") ?? match[2]);
}

/**
 * The first file of a multipart/form-data body (RFC 7578), streamed: at most one chunk and a boundary's length are
 * held. Other fields are skipped. Throws `request.malformed`.
 */
export async function firstFile(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
): Promise<{ filename: string; data: AsyncIterable<Uint8Array> }> {
  const chunks = body[Symbol.asyncIterator]();
  // A line break before the first boundary makes all boundaries alike.
  let held: Buffer = Buffer.from("\r\n");
  const mark = Buffer.from(`\r\n--${boundary}`);

  async function more(): Promise<boolean> {
    const next = await chunks.next();
    if (next.done === true) return false;
    held = Buffer.concat([held, next.value]);
    return true;
  }

  /** What comes before the next boundary, in pieces; the boundary is taken. */
  async function* untilMark(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const at = held.indexOf(mark);
      if (at >= 0) {
        const piece = held.subarray(0, at);
        held = held.subarray(at + mark.length);
        if (piece.length > 0) yield piece;
        return;
      }
      const sure = held.length - mark.length;
      if (sure > 0) {
        const piece = held.subarray(0, sure);
        held = held.subarray(sure);
        yield piece;
      }
      if (!(await more())) throw malformed("ends before its last boundary");
    }
  }

  async function skip(): Promise<void> {
    for await (const piece of untilMark()) void piece;
  }

  await skip();
  for (;;) {
    while (held.length < 2) if (!(await more())) throw malformed("ends after a boundary");
    if (held.toString("latin1", 0, 2) === "--") throw malformed("holds no file");
    let end = held.indexOf("\r\n\r\n");
    while (end < 0) {
      if (held.length > maxHeaderBytes) throw malformed("has a part with more than 16 KiB of headers");
      if (!(await more())) throw malformed("ends within the headers of a part");
      end = held.indexOf("\r\n\r\n");
    }
    const headers = held.toString("utf8", 0, end);
    held = held.subarray(end + 4);
    const filename = filenameOf(headers);
    if (filename !== undefined) return { filename, data: untilMark() };
    await skip();
  }
}
