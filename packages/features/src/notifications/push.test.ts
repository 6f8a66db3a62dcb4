import { importJWK, jwtVerify } from "jose";
import { expect, test } from "vitest";
import { encryptPush, newPushKeys, pushHeaders } from "./push.ts";
import { openPush } from "./push.fixture.ts";

const bytes = (text: string) => Buffer.from(text, "base64url");

/** RFC 8291, section 5: https://www.rfc-editor.org/rfc/rfc8291#section-5 */
const rfc = {
  plaintext: "When I grow up, I want to be a watermelon",
  receiver: {
    publicKey: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    privateKey: "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94",
    auth: "BTBZMqHH6r4Tts7J_aSIgg",
  },
  sender: {
    publicKey: "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8",
    privateKey: "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",
  },
  salt: "DGv6ra1nlYgDCS1FRnbzlw",
  body: "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
};

test("a message is encrypted as the example of RFC 8291 is", () => {
  const subscription = {
    endpoint: "https://push.example/x",
    keys: { p256dh: rfc.receiver.publicKey, auth: rfc.receiver.auth },
  };
  const body = encryptPush(Buffer.from(rfc.plaintext), subscription, rfc.sender, bytes(rfc.salt));
  expect(body.toString("base64url")).toBe(rfc.body);
  expect(openPush(body, rfc.receiver)).toBe(rfc.plaintext);
});

test("each message has a key and a salt of its own, and its receiver alone reads it", () => {
  const receiver = { ...newPushKeys(), auth: rfc.receiver.auth };
  const subscription = {
    endpoint: "https://push.example/x",
    keys: { p256dh: receiver.publicKey, auth: receiver.auth },
  };
  const [one, two] = [1, 2].map(() => encryptPush(Buffer.from("same"), subscription));
  expect(one!.equals(two!)).toBe(false);
  expect(openPush(one!, receiver)).toBe("same");
  expect(() => openPush(one!, { ...receiver, auth: "AAAAAAAAAAAAAAAAAAAAAA" })).toThrow(/auth/i);
});

test("the sender shows who it is to that push service alone, by a token that its public key checks", async () => {
  const keys = newPushKeys();
  const nowMs = Date.now();
  const headers = await pushHeaders("https://push.example/send/abc", keys, {
    contact: "mailto:ops@example.com",
    nowMs,
  });
  const [, token, publicKey] = /^vapid t=(.+), k=(.+)$/.exec(headers["authorization"]!)!;
  expect(publicKey).toBe(keys.publicKey);
  const point = bytes(publicKey!);
  const key = await importJWK(
    {
      kty: "EC",
      crv: "P-256",
      x: point.subarray(1, 33).toString("base64url"),
      y: point.subarray(33).toString("base64url"),
    },
    "ES256",
  );
  const { payload } = await jwtVerify(token!, key, { audience: "https://push.example" });
  expect(payload).toMatchObject({ sub: "mailto:ops@example.com", exp: Math.floor(nowMs / 1_000) + 43_200 });
});
