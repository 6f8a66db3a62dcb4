import { franc } from "franc-min";

/** Shorter texts have too few letters to tell. */
const leastLetters = 150;
const headCharacters = 4_000;

/** ISO 639-3 code of the language that most of a text's beginning is in; null where it is too short to tell. */
export function languageOf(text: string): string | null {
  const letters = text
    .slice(0, headCharacters)
    .replaceAll(/https?:\S+|[^\p{L}\s'’]/gu, " ")
    .replaceAll(/\s+/g, " ");
  if (letters.length < leastLetters) return null;
  const code = franc(letters, { minLength: leastLetters });
  return code === "und" ? null : code;
}
