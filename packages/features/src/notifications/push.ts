/** Web push: messages that a browser's push service hands on and cannot read. */
import { createCipheriv, createECDH, hkdfSync, randomBytes } from "node:crypto";
import { importJWK, SignJWT } from "jose";

/** P-256, base64url: the uncompressed point of 65 bytes, and the scalar of 32. */
export interface PushKeys {
  publicKey: string;
  privateKey: string;
}

export interface PushSubscription {
  endpoint: string;
  keys: { p256dh: string; auth: string };
}

/** One record holds the whole message. */
const recordBytes = 4_096;
const tokenLifeS = 12 * 3_600;

export function newPushKeys(): PushKeys {
  const pair = createECDH("prime256v1");
  return {
    publicKey: pair.generateKeys("base64url"),
    // Leading zeros of the scalar belong to it.
    privateKey: Buffer.concat([Buffer.alloc(32), pair.getPrivateKey()])
      .subarray(-32)
      .toString("base64url"),
  };
}

const derive = (secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number) =>
  Buffer.from(hkdfSync("sha256", secret, salt, info, length));

/**
 * A message as RFC 8291 encrypts it for one browser, in the coding aes128gcm of RFC 8188: one record of at most 4,096
 * bytes. `sender` and `salt` must be new for each message; they are given by tests alone.
 */
export function encryptPush(
  message: Buffer,
  { keys }: PushSubscription,
  sender: PushKeys = newPushKeys(),
  salt: Buffer = randomBytes(16),
): Buffer {
  const receiverPublic = Buffer.from(keys.p256dh, "base64url");
  const senderPublic = Buffer.from(sender.publicKey, "base64url");
  const exchange = createECDH("prime256v1");
  exchange.setPrivateKey(sender.privateKey, "base64url");
  const keyInfo = Buffer.concat([Buffer.from("WebPush: info\0"), receiverPublic, senderPublic]);
  const secret = derive(
    exchange.computeSecret(receiverPublic),
    Buffer.from(keys.auth, "base64url"),
    keyInfo,
    32,
  );
  const key = derive(secret, salt, Buffer.from("Content-Encoding: aes128gcm\0"), 16);
  const nonce = derive(secret, salt, Buffer.from("Content-Encoding: nonce\0"), 12);
  const cipher = createCipheriv("aes-128-gcm", key, nonce);
  const head = Buffer.alloc(21);
  salt.copy(head);
  head.writeUInt32BE(recordBytes, 16);
  head.writeUInt8(senderPublic.length, 20);
  // 2 ends the last record.
  const sealed = Buffer.concat([cipher.update(message), cipher.update(Buffer.from([2])), cipher.final()]);
  return Buffer.concat([head, senderPublic, sealed, cipher.getAuthTag()]);
}

/** Headers of a push: who sends it (RFC 8292), how it is encrypted, and how long the push service keeps it. */
export async function pushHeaders(
  endpoint: string,
  keys: PushKeys,
  options: { contact: string; nowMs: number },
): Promise<Record<string, string>> {
  const point = Buffer.from(keys.publicKey, "base64url");
  const coordinate = (from: number) => point.subarray(from, from + 32).toString("base64url");
  const signer = await importJWK(
    { kty: "EC", crv: "P-256", x: coordinate(1), y: coordinate(33), d: keys.privateKey },
    "ES256",
  );
  const token = await new SignJWT({ sub: options.contact })
    .setProtectedHeader({ alg: "ES256", typ: "JWT" })
    .setAudience(new URL(endpoint).origin)
    .setExpirationTime(Math.floor(options.nowMs / 1_000) + tokenLifeS)
    .sign(signer);
  return {
    authorization: `vapid t=${token}, k=${keys.publicKey}`,
    "content-encoding": "aes128gcm",
    "content-type": "application/octet-stream",
    ttl: "86400",
    urgency: "high",
  };
}
