/** What may do something where a text is shown: images, links, tags and addresses. */
const markup = /!\[|\]\s*\(|<\/?[a-z!]|https?:\/\//i;
/** Control characters, as a terminal obeys them, and characters that are not seen: tags, directions, spaces of no width. */
const hidden = /[\p{Cc}\u200B\u200E\u200F\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF\u{E0000}-\u{E007F}]/u;

/** Does a text only say something, wherever it is shown? Line ends and tabs are white space. */
export function isNeutral(text: string): boolean {
  return !markup.test(text) && !hidden.test(text.replaceAll(/[\r\n\t]/g, " "));
}

/** A title or name without what may do something: a link is its words, an image and what is not seen are nothing. */
export function neutralised(text: string): string {
  return text
    .replaceAll(/[\r\n\t]/g, " ")
    .replaceAll(new RegExp(hidden, "gu"), "")
    .replaceAll(/!\[[^\]]*\](?:\s*\([^)]*\))?/g, "")
    .replaceAll(/\[([^\]]*)\]\s*\([^)]*\)/g, "$1")
    .replaceAll(/<[^<>]*>/g, "")
    .replaceAll(/https?:\/\/\S+/gi, "")
    .replaceAll(/ {2,}/g, " ")
    .trim();
}
