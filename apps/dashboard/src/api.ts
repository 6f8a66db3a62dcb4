import { ClientError, createClient } from "@tapedeck/client";

/** Same origin, signed in by the session cookie. */
export const api = createClient({ baseUrl: "" });

export function isSignedOut(error: unknown): boolean {
  return error instanceof ClientError && error.status === 401;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
