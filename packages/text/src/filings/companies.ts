/** Words that say the legal form of a company, or nothing about which it is. */
const legalForm =
  /\b(incorporated|inc|corporation|corp|company|companies|co|limited|ltd|plc|llc|lp|holdings?|group|sa|ag|nv|se|the)\b/g;

/** First words that many companies share: alone they name none of them. */
const sharedFirstWords = new Set(
  (
    "advanced allied american applied associated bank best block canadian central china consolidated eastern energy express " +
    "federal financial first foods general global great health home international liberty modern national new north old " +
    "pacific public republic royal south southern standard state sun systems texas united universal water west western world"
  ).split(" "),
);

/** Lower case, without accents, apostrophes and possessive endings. */
function plain(text: string): string {
  return text
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .toLowerCase()
    .replaceAll(/['’]s\b/g, "")
    .replaceAll(/['’]/g, "");
}

/** Ways to write a company's name, lower case: in full, without its legal form, run together, first words, initials. */
export function namesOf(company: string): string[] {
  const full = plain(company)
    .replaceAll(/[^\p{L}\p{N}&]+/gu, " ")
    .trim();
  const bare = full.replaceAll(legalForm, " ").replaceAll(/\s+/g, " ").trim() || full;
  const words = bare.split(" ").filter((word) => word !== "&" && word !== "and");
  const names = new Set([full, bare, words.join(" "), words.join("")]);
  const [first, second] = words;
  if (first !== undefined && second !== undefined) {
    if (first.length >= 3 && !sharedFirstWords.has(first)) {
      names.add(first);
      names.add(`${first} ${second}`);
    }
    if (words.length >= 3) names.add(words.map((word) => word[0]).join(""));
    if (words.length === 2 && /&| and /.test(full)) {
      for (const joint of ["&", "n", " & ", " and "]) names.add(`${first[0]}${joint}${second[0]}`);
    }
  }
  return [...names].filter((name) => name.length >= 2);
}

/** Finds a name as whole words, however hyphens and blanks stand between its parts. */
function patternOf(name: string, flags: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}])${name.replaceAll(" ", "[\\s‐-―-]+")}(?![\\p{L}\\p{N}])`, flags);
}

export interface CompanyMention {
  company: string;
  /** Place in the text as `plainQuestion` writes it. */
  name: string;
}

/** Finds the companies that a text names. A name that two companies share is nobody's. */
export function createCompanyFinder(companies: Iterable<string>): (text: string) => CompanyMention[] {
  const all = [...new Set(companies)].flatMap((company) =>
    namesOf(company).map((name) => ({ company, name })),
  );
  const owners = new Map<string, number>();
  for (const { name } of all) owners.set(name, (owners.get(name) ?? 0) + 1);
  const patterns = all
    .filter(({ name }) => owners.get(name) === 1)
    .toSorted((one, other) => other.name.length - one.name.length)
    .map(({ company, name }) => ({
      company,
      name,
      pattern: patternOf(name, "u"),
    }));
  return (text) => {
    let rest = plain(text);
    const found: CompanyMention[] = [];
    for (const { company, name, pattern } of patterns) {
      const match = pattern.exec(rest);
      if (match === null) continue;
      if (!found.some((one) => one.company === company)) found.push({ company, name });
      // What one name took is not read again as part of another.
      rest = `${rest.slice(0, match.index)} ${rest.slice(match.index + match[0].length)}`;
    }
    return found;
  };
}

/** The text in lower case with the names of a company taken out. */
export function withoutCompany(text: string, company: string): string {
  let rest = plain(text);
  for (const name of namesOf(company).toSorted((one, other) => other.length - one.length)) {
    rest = rest.replaceAll(patternOf(name, "gu"), " ");
  }
  return rest;
}
