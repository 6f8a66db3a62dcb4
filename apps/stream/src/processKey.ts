import { createHmac, timingSafeEqual } from "node:crypto";

/** What the stream's processes know each other by: all have the same secret. */
export interface ProcessKey {
  /** What a process sends. */
  token: string;
  isValid(token: string): boolean;
}

export function createProcessKey(jwtSecret: string): ProcessKey {
  const token = createHmac("sha256", jwtSecret).update("process of the stream").digest("base64url");
  const expected = Buffer.from(token);
  return {
    token,
    isValid(given) {
      const bytes = Buffer.from(given);
      return bytes.length === expected.length && timingSafeEqual(bytes, expected);
    },
  };
}
