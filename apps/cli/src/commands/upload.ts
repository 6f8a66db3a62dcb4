import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { AppError } from "@tapedeck/core";
import type { Upload } from "@tapedeck/features/uploads/contract";
import { clientOf } from "./shared.ts";
import type { Cli, ConnectionFlags } from "./shared.ts";

/** Size of a file in bytes. Throws `data.missing` for what is no file that can be read. */
export function sizeOf(file: string): number {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) throw new AppError("data.missing", `there is no file ${file}`);
  if (!found.isFile()) throw new AppError("data.missing", `${file} is a folder; name a file`);
  return found.size;
}

/** Sends a file, with a bar that fills as it goes. */
export async function upload(cli: Cli, flags: ConnectionFlags, file: string): Promise<Upload> {
  const total = sizeOf(file);
  const bar = cli.out.bar(`send ${basename(file)}`);
  let sent = 0;
  const body = Readable.toWeb(
    createReadStream(file).on("data", (chunk) => {
      sent += chunk.length;
      bar.update(total === 0 ? undefined : sent / total, `${(sent / 1e6).toFixed(1)} MB`);
    }),
  );
  const response = await clientOf(cli, flags).fetch(
    `/api/uploads?filename=${encodeURIComponent(basename(file))}`,
    {
      method: "POST",
      headers: { "content-type": "application/octet-stream" },
      body: body as ReadableStream,
      duplex: "half",
      signal: cli.signal,
    } as RequestInit,
  );
  const made = (await response.json()) as Upload;
  bar.done(`${(made.bytes / 1e6).toFixed(1)} MB`);
  return made;
}
