import type { Draft } from "./answer.ts";
import { checkSentence } from "./guard.ts";
import { isKnownWord } from "./spelling.ts";

/** What no computation shows: only a text that is cited may say it. */
const claims: Record<string, RegExp> = {
  "gives advice":
    /\b(?:should|ought|recommend(?:s|ed|ation)?|advis(?:e|es|ed|able)|worth (?:buying|selling|holding)|(?:good|right|perfect|best) (?:time|moment)|time to (?:buy|sell)|go (?:long|short)|must[- ](?:buy|have|own|sell))\b|(?:^|[.:;,!]\s+|\b(?:please|now|so|to|and|investors|readers?) )(?:buy|sell|short|avoid)\b(?! and hold|ing)/i,
  "makes a forecast":
    /\b(?:will|won't|shall|going to|set to|bound to|about to|likely|poised|tomorrow|forecasts?|predict(?:s|ed|ion)?|outlook|price target|upside|(?:expect(?:s|ed)?|certain|sure) to)\b|'ll\b/i,
  "names a cause":
    /\b(?:because|since its|due to|owing to|thanks to|caus(?:e|es|ed)|result(?:s|ed)? (?:of|from)|led to|driven by|drove|triggered by|amid|reacted|in response|blamed?|sent the|explains?|why)\b/i,
  "passes a judgement":
    /\b(?:saf(?:e|er|ely)|safest|certain(?:ly|ty)?|sure(?:ly)?|definitely|guarantee[ds]?|risk-free(?! rate)|undoubtedly|fraud\w*|cheat\w*|under-?valued|overvalued|cheap|bargain)\b/i,
};
/** Shares of a sentence's words that its evidence must hold. */
const leastOfClaim = 0.8;
const leastOfPassages = 0.6;
const leastOfData = 0.75;
/** Words in which a value is told, besides those of questions. */
const telling = new Set(
  "finished ended stood reached recorded available covers data daily weekly monthly yearly calendar session sessions total price prices amount highest lowest higher lower maximum minimum roughly nearly approximately compared while also only both level levels again later earlier within".split(
    " ",
  ),
);

/** Why a sentence says more than the evidence that it cites, besides its numbers; undefined where it does not. */
export function overclaim({ text, cite, names }: Draft): string | undefined {
  const texts = cite.flatMap(toldBy);
  const said = contentWords(text);
  for (const [claim, pattern] of Object.entries(claims)) {
    if (!pattern.test(text)) continue;
    if (!texts.some((one) => pattern.test(one) && shareHeld(said, one) >= leastOfClaim))
      return `it ${claim} that no cited text holds`;
  }
  const data = cite.filter(({ kind }) => kind !== "passage");
  if (data.length === 0) {
    const headings = cite.map((item) => (item.kind === "passage" ? `${item.title} ${item.section}` : ""));
    return shareHeld(said, [...texts, ...headings].join(" ")) < leastOfPassages
      ? "its passages do not say it"
      : undefined;
  }
  const { bound } = checkSentence(
    text,
    data.map((item) => ({ item, names })),
  );
  const named = data.flatMap(toldBy).some((value) => value !== "" && text.includes(value));
  if (bound === 0 && !named) return "it tells no value of the data that it cites";
  const evidence = `${JSON.stringify(data)} ${names.join(" ")} ${texts.join(" ")}`;
  const held = said.filter(
    (word) => isKnownWord(word) || telling.has(word) || shareHeld([word], evidence) === 1,
  );
  return held.length < leastOfData * said.length ? "its data does not say it" : undefined;
}

/** What an item says in words. */
function toldBy(item: Draft["cite"][number]): string[] {
  switch (item.kind) {
    case "passage":
      return [item.text];
    case "record":
      return Object.values(item.values).filter((value) => typeof value === "string");
    case "job":
    case "account":
      return typeof item.value === "string" ? [item.value] : [];
    default:
      return [];
  }
}

const contentWords = (text: string) => [...new Set(text.toLowerCase().match(/[a-z]{4,}/g) ?? [])];

/** Six letters tell whether a text speaks of the same; the humps of a pointer's name are words. */
function shareHeld(said: readonly string[], text: string): number {
  const stem = (word: string) => word.slice(0, 6);
  const held = new Set(contentWords(text.replaceAll(/([a-z])([A-Z])/g, "$1 $2")).map(stem));
  return said.filter((word) => held.has(stem(word))).length / Math.max(1, said.length);
}
