import type { Mailer } from "@tapedeck/core";
import type { Environment } from "../config/index.ts";

/** The mail server that is set; undefined where none is. Its library is loaded where one is. */
export async function openMailer(
  settings: Environment<"SMTP_URL" | "SMTP_FROM">,
): Promise<Mailer | undefined> {
  if (settings.SMTP_URL === undefined) return undefined;
  const { createSmtpMailer } = await import("./smtp.ts");
  return createSmtpMailer({ url: settings.SMTP_URL, from: settings.SMTP_FROM });
}
