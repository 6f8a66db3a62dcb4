/** Any `xDone` beside `xTotal` (or `done` beside `total`) makes a bar; the rest is shown as text. */
export function Progress({ value }: { value: unknown }) {
  const { fraction, text } = read(value);
  return (
    <div>
      <div
        className={fraction === undefined ? "progress unknown" : "progress"}
        role="progressbar"
        aria-label="Progress"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={fraction === undefined ? undefined : Math.round(fraction * 100)}
      >
        <div style={fraction === undefined ? undefined : { width: `${fraction * 100}%` }} />
      </div>
      <span className="dim">{text}</span>
    </div>
  );
}

function read(value: unknown): { fraction: number | undefined; text: string } {
  if (typeof value !== "object" || value === null) return { fraction: undefined, text: "" };
  const members = value as Record<string, unknown>;
  const text = Object.entries(members)
    .filter(([, member]) => member !== null && typeof member !== "object")
    .map(
      ([name, member]) =>
        `${name} ${typeof member === "number" ? member.toLocaleString("en-US") : String(member)}`,
    )
    .join(" · ");
  for (const [name, done] of Object.entries(members)) {
    const total = members[name === "done" ? "total" : name.replace(/Done$/, "Total")];
    if (/^done$|Done$/.test(name) && typeof done === "number" && typeof total === "number" && total > 0) {
      return { fraction: Math.min(1, done / total), text };
    }
  }
  return { fraction: undefined, text };
}
