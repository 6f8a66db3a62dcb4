import { hash, verify } from "@node-rs/argon2";
import { sha256 } from "@tapedeck/core/hash";
import { randomBytes } from "node:crypto";

/** What a secret is, told by its first characters, so that scanners find leaked ones. */
export type SecretKind = "key" | "refresh" | "cookie" | "link";

const prefixes: Record<SecretKind, string> = { key: "tdk_", refresh: "tdr_", cookie: "tdc_", link: "tdl_" };

/** 256 random bits as text. */
export function newSecret(kind: SecretKind): string {
  return prefixes[kind] + randomBytes(32).toString("base64url");
}

/** What is stored of a secret. A plain sha256 will do: 256 random bits cannot be guessed. */
export function secretHash(secret: string): string {
  return sha256(secret);
}

/** argon2id with the parameters that OWASP names: 19 MiB, 2 passes, 1 lane (the library's defaults). */
export function hashPassword(password: string): Promise<string> {
  return hash(password);
}

export function passwordMatches(stored: string, password: string): Promise<boolean> {
  return verify(stored, password);
}
