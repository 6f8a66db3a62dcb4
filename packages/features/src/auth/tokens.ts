import { AppError, Role } from "@tapedeck/core";
import { jwtVerify, SignJWT } from "jose";
import * as z from "zod";

const Claims = z.object({ sub: z.string(), sid: z.uuid() });

/** Signs and checks access tokens: JWT, HS256. A token names its session; rights are read from the session, so that they can be taken away. */
export interface AccessTokens {
  issue(userId: string, sessionId: string, expiresMs: number): Promise<string>;
  /** Throws `auth.invalid`. */
  sessionOf(token: string): Promise<string>;
}

export function createAccessTokens(secret: string, now: () => number): AccessTokens {
  const key = new TextEncoder().encode(secret);
  const names = { issuer: "tapedeck", audience: "tapedeck-api" };
  return {
    issue(userId, sessionId, expiresMs) {
      return new SignJWT({ sid: sessionId })
        .setProtectedHeader({ alg: "HS256", typ: "JWT" })
        .setSubject(userId)
        .setIssuer(names.issuer)
        .setAudience(names.audience)
        .setIssuedAt(Math.floor(now() / 1_000))
        .setExpirationTime(Math.floor(expiresMs / 1_000))
        .sign(key);
    },
    async sessionOf(token) {
      try {
        const { payload } = await jwtVerify(token, key, {
          ...names,
          algorithms: ["HS256"],
          currentDate: new Date(now()),
        });
        return Claims.parse(payload).sid;
      } catch (cause) {
        throw new AppError(
          "auth.invalid",
          "The access token is not valid or has expired; refresh it or sign in again.",
          {
            cause,
          },
        );
      }
    },
  };
}

/** The lesser of two roles. */
export function lesserRole(a: Role, b: Role): Role {
  return Role.options.indexOf(a) < Role.options.indexOf(b) ? a : b;
}
