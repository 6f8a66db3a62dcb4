/** Words that hold a sentence together, and are none of English. */
const foreign: readonly string[] =
  "der die das und ist war wie hoch welche welcher wann im von zum nicht ein eine des dem bei über seit le la les des est était quel quelle quels combien quand pour dans avec depuis du et une el los las es fue cuál cual cuánto cuando desde por qué del y una il lo gli è stato quanto quando perché della nel di che o a os foi qual quanto em um uma het een van was hoeveel wanneer sinds en niet wat waarom deed hvad hvor hvornår af og fra til ikke vad hur när för och från inte jaka jaki jakie była był jest kiedy dlaczego od stopa ne kadar nasıl neden yılında yılı jaký kolik kdy proč byl byla".split(
    " ",
  );
const english = new Set(
  "the a an is was were are of in on at and or what which when how why did does do has have had much many for to from by with it its my me since between than i".split(
    " ",
  ),
);
const words = new Set(foreign.filter((word) => !english.has(word)));

/** Is a question in another language than English, as far as so few words tell? Names and numbers count for none. */
export function isForeign(question: string): boolean {
  const letters = question.match(/\p{L}/gu) ?? [];
  const latin = letters.filter((letter) => /\p{Script=Latin}/u.test(letter)).length;
  if (letters.length > 3 && latin < letters.length / 2) return true;
  const said = question.toLowerCase().match(/[\p{L}]+/gu) ?? [];
  const own = said.filter((word) => english.has(word)).length;
  const other = said.filter((word) => words.has(word)).length;
  return other >= 2 && other > own;
}
