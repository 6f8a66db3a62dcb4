/** The leaves of a value by their path: `costs.feeBps`. */
function leaves(value: unknown, path: string, out: Map<string, string>): Map<string, string> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    for (const [name, member] of Object.entries(value))
      leaves(member, path === "" ? name : `${path}.${name}`, out);
  } else out.set(path, typeof value === "string" ? value : JSON.stringify(value));
  return out;
}

/** Rows of the members that are not the same in all: the path, then the text of each value, empty where it has none. */
export function differences(values: readonly object[]): string[][] {
  const all = values.map((value) => leaves(value, "", new Map()));
  const paths = [...new Set(all.flatMap((one) => [...one.keys()]))];
  return paths
    .map((path) => [path, ...all.map((one) => one.get(path) ?? "")])
    .filter(([, ...texts]) => new Set(texts).size > 1);
}
