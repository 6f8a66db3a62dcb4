import { UnreadableError } from "./document.ts";
import type { ReadGuess } from "./document.ts";

export interface DecodedText {
  text: string;
  /** As the Encoding Standard names it. */
  encoding: string;
  guesses: ReadGuess[];
}

/** Bytes that are looked at for a declaration and for what they look like. */
const headBytes = 4_096;
/** Of the head's characters; text has no control characters but white space. */
const mostControls = 0.02;

/** The encoding that the first bytes declare: XML's, HTML's or CSS's way. */
function declaredIn(head: string): string | undefined {
  return (
    /^\s*<\?xml[^>]*\bencoding\s*=\s*["']([\w.:-]+)["']/i.exec(head)?.[1] ??
    /<meta\s[^>]*\bcharset\s*=\s*["']?\s*([\w.:-]+)/i.exec(head)?.[1]
  );
}

function strictly(bytes: Uint8Array, encoding: string): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** UTF-16 without a mark: text in it has a zero byte in most pairs. */
function wideOf(head: Uint8Array): "utf-16le" | "utf-16be" | undefined {
  let even = 0;
  let odd = 0;
  for (let i = 0; i + 1 < head.length; i += 2) {
    if (head[i] === 0) even++;
    if (head[i + 1] === 0) odd++;
  }
  const pairs = head.length / 2;
  if (odd > pairs * 0.6 && even < pairs * 0.1) return "utf-16le";
  return even > pairs * 0.6 && odd < pairs * 0.1 ? "utf-16be" : undefined;
}

/**
 * Text of bytes: by their byte order mark, else as declared (by the caller or inside), else UTF-8, else Windows-1252.
 * A declaration that the bytes contradict is put right and told among the guesses. Throws UnreadableError (format) for
 * bytes that are no text.
 */
export function decodeText(bytes: Uint8Array, declared?: string): DecodedText {
  const head = bytes.subarray(0, headBytes);
  const marked =
    head[0] === 0xff && head[1] === 0xfe
      ? "utf-16le"
      : head[0] === 0xfe && head[1] === 0xff
        ? "utf-16be"
        : undefined;
  const wide = marked ?? wideOf(head);
  if (wide !== undefined) return { text: new TextDecoder(wide).decode(bytes), encoding: wide, guesses: [] };

  const said = declared ?? declaredIn(Buffer.from(head).toString("latin1"));
  const asSaid = said === undefined ? undefined : strictly(bytes, said);
  if (asSaid !== undefined) return { text: readable(asSaid), encoding: said!.toLowerCase(), guesses: [] };
  const utf8 = strictly(bytes, "utf-8");
  const text = readable(utf8 ?? new TextDecoder("windows-1252").decode(bytes));
  const encoding = utf8 === undefined ? "windows-1252" : "utf-8";
  const guesses: ReadGuess[] = [];
  if (said !== undefined) {
    guesses.push({
      what: "encoding",
      value: encoding,
      why: `${said} is declared, and the bytes are not that`,
    });
  } else if (utf8 === undefined) {
    guesses.push({ what: "encoding", value: encoding, why: "the bytes are not UTF-8, and none is declared" });
  }
  return { text, encoding, guesses };
}

function readable(text: string): string {
  const head = text.slice(0, headBytes);
  // oxlint-disable-next-line no-control-regex -- control characters are what is counted
  const controls = head.match(/[\u0000-\u0008\u000e-\u001f\u007f]/g)?.length ?? 0;
  if (controls > head.length * mostControls) {
    throw new UnreadableError("format", "It is not text, and of no format that is read here.");
  }
  return text.replaceAll("\u0000", "");
}
