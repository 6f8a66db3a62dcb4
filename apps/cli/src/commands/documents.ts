import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { Command } from "commander";
import { AppError, isoDate } from "@tapedeck/core";
import { maxDocumentBytes } from "@tapedeck/features/ingest/documents/contract";
import type { documentIngest } from "@tapedeck/features/ingest/documents/contract";
import type { PayloadIn } from "@tapedeck/client";
import { followJob } from "../follow.ts";
import { table } from "../output.ts";
import { amount, counted } from "../results/format.ts";
import { clientOf, exitCodes, printJson, showEnd, withConnection } from "./shared.ts";
import type { Cli, ConnectionFlags } from "./shared.ts";
import { sizeOf, upload } from "./upload.ts";

type Payload = PayloadIn<typeof documentIngest>;

interface AddFlags extends ConnectionFlags {
  kind?: Payload["kind"];
  topic?: string;
  company?: string;
  form?: NonNullable<Payload["filing"]>["form"];
  fiscalYear?: string;
  fiscalQuarter?: string;
  published?: string;
  publisher?: string;
  licence?: string;
  format?: Payload["format"];
  encoding?: string;
  shared?: boolean;
}

interface ListFlags extends ConnectionFlags {
  kind?: Payload["kind"];
  company?: string;
  title?: string;
  asOf?: string;
  limit: string;
}

interface ShowFlags extends ConnectionFlags {
  version?: string;
  asOf?: string;
  page?: string;
}

/** Sources of one job. */
const mostSources = 500;

export function documentCommands(program: Command, cli: Cli): void {
  const documents = program.command("document").description("documents: add, list, show, remove");

  withConnection(documents.command("add"))
    .argument("<files...>", "files, folders of files, or addresses of feeds and pages")
    .option(
      "--kind <kind>",
      "filing, transcript, news, post, newsletter, calendar, research or note (default: guessed)",
    )
    .option("--topic <topic>", "heading to file them under (default: by their kind)")
    .option("--company <name>", "whom they are about (default: as they say)")
    .option(
      "--form <form>",
      "of a filing: 10-K, 10-Q, 8-K, earnings or other, with --company and --fiscal-year",
    )
    .option("--fiscal-year <year>", "of a filing")
    .option("--fiscal-quarter <quarter>", "of a quarterly filing: 1 to 4")
    .option("--published <time>", "when they became public (default: as they say, else now)")
    .option("--publisher <name>", "who published them (default: as they say)")
    .option("--licence <text>", "under what terms (default: as they say)")
    .option("--format <format>", "how they are read (default: by their content)")
    .option("--encoding <name>", "of their text, such as windows-1252 (default: by their bytes)")
    .option("--shared", "for every tenant; operators only")
    .description("import documents and print what became of each")
    .action((files: string[], flags: AddFlags) => addDocuments(cli, files, flags));

  withConnection(documents.command("list", { isDefault: true }))
    .option("--kind <kind>", "only of this kind")
    .option("--company <name>", "only of companies whose name holds this")
    .option("--title <words>", "only those whose title holds this")
    .option("--as-of <time>", "those that were public then, in the versions of then")
    .option("--limit <n>", "how many, 200 at most", "50")
    .description("list documents, newest first")
    .action((flags: ListFlags) => listDocuments(cli, flags));

  withConnection(documents.command("show"))
    .argument("<id>", "document id")
    .option("--version <n>", "its version (default: the newest)")
    .option("--as-of <time>", "the version of then")
    .option("--page <n>", "only this page")
    .description("print a document's text")
    .action((id: string, flags: ShowFlags) => showDocument(cli, id, flags));

  withConnection(documents.command("remove"))
    .argument("<ids...>", "document ids")
    .description("erase documents that were sent or imported, all versions of them")
    .action(async (ids: string[], flags: ConnectionFlags) => {
      for (const id of ids) {
        await clientOf(cli, flags).call("deleteDocument", { params: { id } });
        cli.out.note(`${id} removed`);
      }
    });
}

/** A folder stands for the files in it. */
function filesIn(path: string): string[] {
  if (/^https?:\/\//.test(path) || statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
    return [path];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
    .map((entry) => join(path, entry.name))
    .toSorted();
}

async function addDocuments(cli: Cli, paths: readonly string[], flags: AddFlags): Promise<void> {
  const said = saidOf(flags);
  const files = paths.flatMap(filesIn);
  if (files.length === 0) throw new AppError("data.missing", "there are no files in it");
  // Before anything is sent.
  for (const file of files) {
    if (!/^https?:\/\//.test(file) && sizeOf(file) > maxDocumentBytes) {
      const limit = maxDocumentBytes / 1024 ** 2;
      throw new AppError(
        "payload.tooLarge",
        `${file} is larger than ${limit} MiB, the limit of a document's file`,
      );
    }
  }
  for (let from = 0; from < files.length; from += mostSources) {
    await addSome(cli, files.slice(from, from + mostSources), said, flags);
  }
}

async function addSome(
  cli: Cli,
  files: readonly string[],
  said: Omit<Payload, "sources">,
  flags: AddFlags,
): Promise<void> {
  const client = clientOf(cli, flags);
  const sources: Payload["sources"] = [];
  for (const file of files) {
    if (/^https?:\/\//.test(file)) sources.push({ kind: "url", url: file });
    else sources.push({ kind: "upload", uploadId: (await upload(cli, flags, file)).id });
  }
  const job = await client.submit("documentIngest", { ...said, sources });
  const bar = cli.out.bar(files.length === 1 ? basename(files[0]!) : `${files.length} files`);
  const ended = await followJob(client, job.id, bar, cli.signal);
  if (ended.state === "completed") bar.done(`job ${ended.id}`);
  else bar.fail(ended.error?.code ?? ended.state);
  showEnd(cli, flags, ended);
  const counts = (ended.result as { counts?: Record<string, number> } | null)?.counts;
  if (
    counts !== undefined &&
    counts["refused"] === Object.values(counts).reduce((sum, count) => sum + count, 0)
  ) {
    cli.exit(exitCodes.failed);
  }
}

function saidOf(flags: AddFlags): Omit<Payload, "sources"> {
  const { kind, topic, company, form, fiscalYear, fiscalQuarter, published, publisher, licence } = flags;
  if (form !== undefined && (company === undefined || fiscalYear === undefined)) {
    throw new AppError("payload.invalid", "--form needs --company and --fiscal-year");
  }
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(topic === undefined ? {} : { topic }),
    ...(company === undefined ? {} : { company }),
    ...(form === undefined
      ? {}
      : {
          filing: {
            company: company!,
            form,
            fiscalYear: Number(fiscalYear),
            ...(fiscalQuarter === undefined ? {} : { fiscalQuarter: Number(fiscalQuarter) }),
          },
        }),
    ...(published === undefined ? {} : { publishedMs: published }),
    ...(publisher === undefined ? {} : { publisher }),
    ...(licence === undefined ? {} : { licence }),
    ...(flags.format === undefined ? {} : { format: flags.format }),
    ...(flags.encoding === undefined ? {} : { encoding: flags.encoding }),
    ...(flags.shared === true ? { space: "shared" as const } : {}),
  };
}

async function listDocuments(cli: Cli, flags: ListFlags): Promise<void> {
  const { kind, company, title, asOf } = flags;
  const page = await clientOf(cli, flags).call("listDocuments", {
    query: {
      limit: Number(flags.limit),
      ...(kind === undefined ? {} : { kind }),
      ...(company === undefined ? {} : { company }),
      ...(title === undefined ? {} : { title }),
      ...(asOf === undefined ? {} : { asOf }),
    },
  });
  if (flags.json === true) return printJson(cli, page);
  const rows = page.items.map((one) => [
    one.id,
    one.kind,
    one.publishedMs === 0 ? "always" : isoDate(one.publishedMs),
    one.title.slice(0, 70),
    one.company ?? "",
    amount(one.characters),
    one.duplicateOf === null ? "" : `as ${one.duplicateOf}`,
  ]);
  cli.out.print(
    rows.length === 0
      ? "no documents"
      : table(["id", "kind", "published", "title", "company", "characters", "duplicate"], rows),
  );
  if (page.nextCursor !== null) cli.out.note("there are more; narrow the list, or raise --limit");
}

async function showDocument(cli: Cli, id: string, flags: ShowFlags): Promise<void> {
  const document = await clientOf(cli, flags).call("getDocument", {
    params: { id },
    query: {
      ...(flags.version === undefined ? {} : { version: Number(flags.version) }),
      ...(flags.asOf === undefined ? {} : { asOf: flags.asOf }),
    },
  });
  if (flags.json === true) return printJson(cli, document);
  const { out } = cli;
  const { title, kind, version, versions, publishedMs, company, publisher, licence, language, sources } =
    document;
  out.print(out.style.bold(title));
  const facts = [
    kind,
    company,
    publisher,
    publishedMs === 0 ? null : `published ${new Date(publishedMs).toISOString()}`,
    `version ${version} of ${versions.length}`,
    licence,
    language,
  ];
  out.print(out.style.dim(facts.filter((fact) => fact !== null).join(" · ")));
  for (const source of sources) out.print(out.style.dim(`source: ${source}`));
  for (const { what, value, why } of document.guesses)
    out.print(out.style.dim(`guessed ${what}: ${value} (${why})`));
  out.print("");
  const page = flags.page === undefined ? undefined : document.pages[Number(flags.page) - 1];
  if (flags.page !== undefined && page === undefined) {
    throw new AppError("resource.unknown", `it has ${counted(document.pages.length, "page")}`);
  }
  const text = page === undefined ? document.text : document.text.slice(page.start, page.end);
  out.print(text.replaceAll("\f", `\n${out.style.dim("— next page —")}\n`));
}
