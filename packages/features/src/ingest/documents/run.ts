import { AppError } from "@tapedeck/core";
import { contentHash, sha256 } from "@tapedeck/core/hash";
import type { JobContext, JobHandler, ProgressOf } from "@tapedeck/core";
import { titleOf, UnreadableError } from "@tapedeck/text/readers/document";
import type { FilingGuess, ReadDocument, ReaderFormat, ReadItem } from "@tapedeck/text/readers/document";
import { readFile } from "@tapedeck/text/readers/read";
import type { Tx } from "../../db.ts";
import { FilingDescription } from "../../knowledge/contract.ts";
import type { DocumentKind, DocumentWriter, IncomingDocument } from "../../knowledge/contract.ts";
import type { IngestDeps } from "../deps.ts";
import { openSource, unpacked } from "../source.ts";
import type { ByteSource } from "../source.ts";
import { createDocumentBatch } from "./batch.ts";
import { maxDocumentBytes, maxDocumentsPerFile, maxFeedPages, maxReadLength } from "./contract.ts";
import type {
  documentIngest,
  DocumentIngestPayload,
  DocumentSource,
  ImportedDocument,
  PageFetcher,
} from "./contract.ts";
import { countImported, listImported, loadDoneSources } from "./store.ts";

export interface DocumentIngestDeps extends Pick<IngestDeps, "db" | "blobs" | "uploads" | "importFiles"> {
  documentWriter: DocumentWriter;
  fetchPage: PageFetcher;
}

type Context = JobContext<ProgressOf<typeof documentIngest>, Tx>;

const shownDocuments = 200;
const progressEvery = 50;

/** What makes a source unreadable and leaves the others as they are. */
const ownFaults = new Set([
  "upload.unknown",
  "data.missing",
  "data.invalid",
  "payload.invalid",
  "payload.tooLarge",
]);

const topics: Record<DocumentKind, string> = {
  filing: "filings",
  transcript: "transcripts",
  news: "news",
  post: "posts",
  newsletter: "newsletters",
  calendar: "calendar",
  research: "research",
  note: "notes",
  reference: "reference",
};

export const runDocumentIngest: JobHandler<typeof documentIngest, DocumentIngestDeps, Tx> = async (
  deps,
  payload,
  ctx,
) => {
  const done = await loadDoneSources(deps.db, ctx.jobId);
  const importer = createImporter(deps, payload, ctx);
  importer.report(done);
  for (const [at, source] of payload.sources.entries()) {
    if (at < done) continue;
    await importer.take(source, at);
  }
  const indexed = await deps.documentWriter.index();
  const { items } = await listImported(deps.db, ctx.tenantId, ctx.jobId, { limit: shownDocuments });
  return { counts: await countImported(deps.db, ctx.jobId), documents: items, indexed };
};

/** A file or page as it is read, and its name for people. */
interface Opened {
  label: string;
  filename: string;
  bytes: Uint8Array;
  encoding: string | undefined;
}

function createImporter(deps: DocumentIngestDeps, payload: DocumentIngestPayload, ctx: Context) {
  const { tenantId, signal } = ctx;
  const space = payload.space === "shared" ? "shared" : tenantId;
  const batch = createDocumentBatch({ ctx, writer: deps.documentWriter, space });

  async function open(source: DocumentSource): Promise<Opened> {
    if (source.kind === "url") {
      const { bytes, encoding } = await deps.fetchPage(source.url, { maxBytes: maxDocumentBytes, signal });
      ctx.input({ kind: "file", ref: sha256(bytes), label: source.url });
      const name = new URL(source.url).pathname.split("/").at(-1)!;
      const page = { label: source.url, filename: name, bytes: bytes.length, read: sliced(bytes) };
      return { ...(await unpack({ kind: "file", ...page })), encoding };
    }
    const file = await openSource({ ...deps, files: deps.importFiles }, tenantId, source);
    if (file.bytes > maxDocumentBytes) throw tooLarge(file.label);
    const opened = await unpack(file);
    const details = { bytes: opened.bytes.length };
    ctx.input({ kind: file.kind, ref: sha256(opened.bytes), label: file.label, details });
    return { ...opened, encoding: undefined };
  }

  async function unpack(file: ByteSource): Promise<Omit<Opened, "encoding">> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of await unpacked(file, () => undefined)) {
      signal.throwIfAborted();
      size += part.length;
      if (size > maxDocumentBytes) throw tooLarge(file.label);
      parts.push(part);
    }
    const filename = file.filename.replace(/\.(gz|zst)$/i, "");
    return { label: file.label, filename, bytes: Buffer.concat(parts) };
  }

  const report = (sourcesDone: number) =>
    ctx.progress({ sourcesDone, sourcesTotal: payload.sources.length, ...batch.counts() });

  /** Documents of one file or page; returns the address of the next one, of a feed in pages. */
  async function read(at: number, opened: Opened, seen: Set<string>): Promise<string | null> {
    const { filename, label, bytes } = opened;
    const encoding = payload.encoding ?? opened.encoding;
    const file = readFile(bytes, { filename, format: payload.format, encoding, signal });
    for await (const found of file.items) {
      signal.throwIfAborted();
      const key = found.ok ? found.document.key : found.key;
      const item = key ?? `#${seen.size + 1}`;
      if (seen.has(item)) continue;
      seen.add(item);
      if (seen.size > maxDocumentsPerFile) {
        throw new AppError(
          "payload.tooLarge",
          `${label} holds more than ${maxDocumentsPerFile} documents: split it. Those before were imported.`,
        );
      }
      const fault = found.ok ? faultOf(found) : found.message;
      const place = { source: at, item };
      if (fault !== undefined) await batch.refuse(place, refusal(label, fault, found));
      else if (found.ok) {
        await batch.store(place, label, incoming(found.document, file.format, opened, payload, ctx.now()));
      }
      if (seen.size % progressEvery === 0) report(at);
    }
    return file.next;
  }

  return {
    report,
    /** All of a source; what cannot be read is told and does not stop the others. */
    async take(source: DocumentSource, at: number): Promise<void> {
      const seen = new Set<string>();
      const visited = new Set<string>();
      let next: DocumentSource | undefined = source;
      let label = "path" in source ? source.path : "url" in source ? source.url : source.uploadId;
      try {
        while (next !== undefined) {
          signal.throwIfAborted();
          const opened: Opened = await open(next);
          label = opened.label;
          visited.add(label);
          const following = await read(at, opened, seen);
          next = undefined;
          // Only a feed that was fetched is followed: a file's links lead to where nobody asked to go.
          if (following === null || source.kind !== "url") continue;
          const page = nextPage(following, label, visited);
          if ("url" in page) next = { kind: "url", url: page.url };
          else await batch.refuse({ source: at, item: `page ${following}` }, refusal(label, page.fault));
        }
      } catch (error) {
        const fault = faultIn(error);
        if (fault === undefined) throw error;
        await batch.refuse({ source: at, item: "file" }, refusal(label, fault));
      }
      await batch.finish(at + 1);
      report(at + 1);
    },
  };
}

const sliced = (bytes: Uint8Array) =>
  async function* (start: number, end: number): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(start, end);
  };

/** Where a feed goes on, or why it is not followed. */
function nextPage(
  link: string,
  from: string,
  visited: ReadonlySet<string>,
): { url: string } | { fault: string } {
  const url = URL.parse(link, from)?.href;
  if (url === undefined) return { fault: `Its next page "${link}" is no address.` };
  if (visited.has(url)) return { fault: `Its next page ${url} was read before: the feed loops.` };
  if (visited.size < maxFeedPages) return { url };
  return { fault: `It has more than ${maxFeedPages} pages; the rest was not read.` };
}

function tooLarge(label: string): AppError {
  const limit = maxDocumentBytes / 1024 ** 2;
  return new AppError(
    "payload.tooLarge",
    `${label} is larger than ${limit} MiB, the limit of a document's file: split it.`,
  );
}

/** What is wrong with a source by itself; undefined: something else failed. */
function faultIn(error: unknown): string | undefined {
  if (error instanceof UnreadableError) return error.message;
  return error instanceof AppError && ownFaults.has(error.code) ? error.message : undefined;
}

function faultOf({ document }: ReadItem & { ok: true }): string | undefined {
  return document.text.length > maxReadLength
    ? `Its text is longer than ${maxReadLength} characters: split it.`
    : undefined;
}

function refusal(source: string, message: string, found?: ReadItem): ImportedDocument {
  return {
    source,
    status: "refused",
    title: found?.ok === true ? found.document.title : null,
    documentId: null,
    version: null,
    duplicateOf: null,
    message,
    guesses: [],
  };
}

function filingOf(guess: FilingGuess | null): FilingDescription | undefined {
  if (guess === null) return undefined;
  const { company, form, year, quarter, day } = guess;
  const described = FilingDescription.safeParse({
    company,
    form,
    fiscalYear: year,
    ...(quarter === undefined ? {} : { fiscalQuarter: quarter }),
    ...(day === undefined ? {} : { eventDate: day }),
  });
  return described.success ? described.data : undefined;
}

/**
 * What a new version of a document is known by: its source's own name for it, what a filing is, or file and title. As a
 * hash, since such names may be of any length.
 */
function sourceKeyOf(
  { key, publisher, title }: ReadDocument,
  format: ReaderFormat,
  label: string,
  filing: FilingDescription | undefined,
): string {
  if (key !== null) return contentHash([format, publisher, key]);
  const { company, form } = filing ?? {};
  if (company === undefined || form === "other") return contentHash(["file", label, title]);
  return contentHash({ ...filing, company: company.toLowerCase() });
}

function incoming(
  read: ReadDocument,
  format: ReaderFormat,
  { label }: Opened,
  said: DocumentIngestPayload,
  nowMs: number,
): IncomingDocument {
  const kind = said.kind ?? (said.filing === undefined ? read.kind : "filing");
  const filing = said.filing ?? filingOf(read.filing);
  const told = said.publishedMs ?? read.publishedMs;
  const { key: _key, filing: _filing, ...rest } = read;
  return {
    ...rest,
    text: read.text.replaceAll("\0", "").toWellFormed(),
    title: titleOf(read.title.replaceAll("\0", "").toWellFormed()) || label,
    kind,
    topic: said.topic ?? topics[kind],
    company: said.company ?? filing?.company ?? read.company,
    publisher: said.publisher ?? read.publisher,
    licence: said.licence ?? read.licence,
    filing,
    sourceKey: sourceKeyOf(read, format, label, filing),
    sources: [read.url ?? label],
    // What is here is public by now, whatever its source says.
    publishedMs: Math.min(told ?? nowMs, nowMs),
    guesses:
      told === null
        ? [
            ...read.guesses,
            {
              what: "published",
              value: new Date(nowMs).toISOString(),
              why: "its source does not tell: the time of the import",
            },
          ]
        : read.guesses,
  };
}
