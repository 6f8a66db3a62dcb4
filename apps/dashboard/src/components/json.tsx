/** A value as a tree that opens and closes; large arrays show their first hundred. */
export function Json({ value, name, open = true }: { value: unknown; name?: string; open?: boolean }) {
  const label = name === undefined ? null : <span className="key">{name}: </span>;
  if (typeof value !== "object" || value === null) {
    return (
      <div className="leaf">
        {label}
        <span className={`value ${typeof value}`}>{JSON.stringify(value) ?? "undefined"}</span>
      </div>
    );
  }
  const entries = Array.isArray(value)
    ? value.map((item, i) => [String(i), item] as const)
    : Object.entries(value);
  const size = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  if (entries.length === 0) {
    return (
      <div className="leaf">
        {label}
        <span className="value">{Array.isArray(value) ? "[]" : "{}"}</span>
      </div>
    );
  }
  return (
    <details className="json" open={open}>
      <summary>
        {label}
        <span className="size">{size}</span>
      </summary>
      <div className="members">
        {entries.slice(0, 100).map(([key, item]) => (
          <Json
            key={key}
            name={key}
            value={item}
            open={entries.length <= 12 && JSON.stringify(item).length < 400}
          />
        ))}
        {entries.length > 100 ? <div className="leaf">… {entries.length - 100} more</div> : null}
      </div>
    </details>
  );
}
