import { createDecipheriv, createECDH, hkdfSync } from "node:crypto";

/** What a browser keeps of its subscription, base64url. */
export interface PushReceiver {
  publicKey: string;
  privateKey: string;
  auth: string;
}

/** A push as a browser reads it: RFC 8291 in the other direction, written from its section 3.4. Throws where it is not for it. */
export function openPush(body: Buffer, receiver: PushReceiver): string {
  const salt = body.subarray(0, 16);
  const keyLength = body.readUInt8(20);
  const senderPublic = body.subarray(21, 21 + keyLength);
  const record = body.subarray(21 + keyLength);
  const exchange = createECDH("prime256v1");
  exchange.setPrivateKey(Buffer.from(receiver.privateKey, "base64url"));
  const shared = exchange.computeSecret(senderPublic);
  const auth = Buffer.from(receiver.auth, "base64url");
  const info = Buffer.concat([
    Buffer.from("WebPush: info\0", "ascii"),
    Buffer.from(receiver.publicKey, "base64url"),
    senderPublic,
  ]);
  const secret = new Uint8Array(hkdfSync("sha256", shared, auth, info, 32));
  const key = new Uint8Array(hkdfSync("sha256", secret, salt, "Content-Encoding: aes128gcm\0", 16));
  const nonce = new Uint8Array(hkdfSync("sha256", secret, salt, "Content-Encoding: nonce\0", 12));
  const decipher = createDecipheriv("aes-128-gcm", key, nonce);
  decipher.setAuthTag(record.subarray(-16));
  const padded = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
  return padded.subarray(0, padded.lastIndexOf(2)).toString();
}
