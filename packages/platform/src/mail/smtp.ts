import { AppError } from "@tapedeck/core";
import type { Mailer } from "@tapedeck/core";
import { createTransport } from "nodemailer";

/** A server that says nothing for so long does not answer. */
const patienceMs = 10_000;

/**
 * Mail by an SMTP server: smtp://, with TLS as soon as the server offers it, or smtps://. One connection a message; what
 * the server refuses rejects with `payload.invalid` and its words.
 */
export function createSmtpMailer(options: { url: string; from: string }): Mailer {
  const transport = createTransport({
    url: options.url,
    connectionTimeout: patienceMs,
    greetingTimeout: patienceMs,
    socketTimeout: patienceMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send({ to, subject, text, messageId }) {
      try {
        await transport.sendMail({ from: options.from, to, subject, text, messageId });
      } catch (error) {
        if (!(error instanceof Error) || !("responseCode" in error)) throw error;
        throw new AppError("payload.invalid", error.message, { cause: error });
      }
    },
  };
}
