import PostalMime from "postal-mime";
import { bareDocument, titleOf } from "./document.ts";
import type { ReadItem } from "./document.ts";
import { htmlText } from "./html.ts";
import { readMoment } from "./moment.ts";

/** Reads one message: its text, else its HTML; attachments are left out and named among the guesses. */
export async function readEmail(bytes: Uint8Array): Promise<ReadItem> {
  const mail = await PostalMime.parse(bytes).catch(() => undefined);
  if (mail === undefined) {
    return { ok: false, key: null, reason: "damaged", message: "The message cannot be read: it is damaged." };
  }
  const key = mail.messageId ?? null;
  const subject = titleOf(mail.subject ?? "");
  const shown = mail.html === undefined ? undefined : htmlText(mail.html);
  const text = shown?.text || mail.text?.replaceAll("\r\n", "\n").trim() || "";
  if (text === "") return { ok: false, key, reason: "empty", message: "The message has no text." };
  const sent = mail.date === undefined ? undefined : readMoment(mail.date);
  const document = bareDocument("newsletter", subject || titleOf(text.slice(0, 80)), text);
  document.key = key;
  document.tables = shown?.text === text ? shown.tables : [];
  document.publishedMs = sent?.ms ?? null;
  document.publisher = mail.from?.name || mail.from?.address || null;
  const left = mail.attachments.filter(({ disposition }) => disposition === "attachment");
  if (left.length > 0) {
    const names = left.map(({ filename }) => filename ?? "one without a name").join(", ");
    document.guesses.push({
      what: "attachments",
      value: names,
      why: "they are not read: send them as files",
    });
  }
  return { ok: true, document };
}

/** Where messages of an mbox file begin. */
const fromLine = /^From \S+ .*\d{4}\r?$/;

/** Reads the messages of an mbox file, in its order; `>From ` is read as `From `. */
export async function* readMbox(bytes: Uint8Array): AsyncGenerator<ReadItem> {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1").split("\n");
  let open: string[] | undefined;
  const message = (from: readonly string[]) =>
    readEmail(Buffer.from(from.join("\n").replaceAll(/^>(>*From )/gm, "$1"), "latin1"));
  for (const line of lines) {
    if (!fromLine.test(line)) {
      open?.push(line);
      continue;
    }
    if (open !== undefined) yield await message(open);
    open = [];
  }
  if (open !== undefined) yield await message(open);
}
