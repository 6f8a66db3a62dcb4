/** Says PostgreSQL that a value or a constraint forbids what was to be stored, whenever it comes? Classes 22 and 23. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^2[23]/.test(String(error.code));
}
