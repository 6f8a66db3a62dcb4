const hidden = "?[redacted]";

/** An address as it may be shown or logged: its query and fragment, which often hold a token, are left out. */
export function withoutQuery(address: string): string {
  const at = address.search(/[?#]/);
  return at === -1 ? address : address.slice(0, at) + hidden;
}

/** Is it an address as `withoutQuery` shows it, and so of no use to call? */
export function isWithoutQuery(address: string): boolean {
  return decodeURIComponent(new URL(address).search) === hidden;
}
