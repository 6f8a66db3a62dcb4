import { AppError } from "@tapedeck/core";
import type { Mailer } from "@tapedeck/core";
import type { ChannelSettings } from "./contract.ts";
import type { Post } from "./post.ts";
import { encryptPush, pushHeaders } from "./push.ts";
import type { PushKeys } from "./push.ts";

/** A message for a channel, of a notification in the outbox. */
export interface ChannelMessage {
  /** The notification's: the same when it is sent again. */
  id: string;
  /** JSON with `event` and `text`. */
  body: string;
}

export interface ChannelDeps {
  post: Post;
  /** Undefined: no mail server is set. */
  mail: Mailer | undefined;
  /** Signs what goes to a webhook. */
  sign(body: string): Promise<Record<string, string>>;
  pushKeys(): Promise<PushKeys>;
  /** Whom a push service turns to: mailto: or https:. */
  pushContact: string;
  now(): number;
}

/** `gone`: the receiver says that it will never take another. */
export type Delivery = "delivered" | "gone";

interface MessageBody {
  event: string;
  text: string;
  triggerId?: string;
}

/** A push service takes 4,096 bytes, encryption included. */
const maxPushText = 1_000;
/** Telegram takes no longer message. */
const maxTelegramText = 4_096;

function parseBody(body: string): MessageBody {
  return JSON.parse(body) as MessageBody;
}

/** The beginning of a text; half a character at its end becomes a sign that something is missing. */
const beginning = (text: string, most: number) => text.slice(0, most).toWellFormed();

/** The text, cut where it is too long, with the trigger's id, by which a repetition is known. */
function textOf({ text, triggerId }: MessageBody, most = Infinity): string {
  const end = triggerId === undefined ? "" : `\n(${triggerId})`;
  return beginning(text, most - end.length) + end;
}

/** Slack reads <…> as links and mentions of all; these three are how it takes them as text. */
function slackEscaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function judge(status: number): Delivery {
  if (status >= 200 && status < 300) return "delivered";
  throw new AppError("service.unavailable", `the receiver answered ${status}`);
}

const json = { "content-type": "application/json" };

async function push(
  { endpoint, keys }: Extract<ChannelSettings, { kind: "push" }>,
  body: MessageBody,
  deps: ChannelDeps,
): Promise<Delivery> {
  const { text, triggerId } = body;
  const message = JSON.stringify({ title: "Tapedeck", text: beginning(text, maxPushText), triggerId });
  const headers = await pushHeaders(endpoint, await deps.pushKeys(), {
    contact: deps.pushContact,
    nowMs: deps.now(),
  });
  const status = await deps.post(endpoint, headers, encryptPush(Buffer.from(message), { endpoint, keys }));
  return status === 404 || status === 410 ? "gone" : judge(status);
}

/** Rejects with a reason that may be shown where the message was not taken. */
export async function deliver(
  settings: ChannelSettings,
  message: ChannelMessage,
  deps: ChannelDeps,
): Promise<Delivery> {
  const body = parseBody(message.body);
  const call = async (url: string, value: object) =>
    judge(await deps.post(url, json, Buffer.from(JSON.stringify(value))));
  switch (settings.kind) {
    case "email":
      if (deps.mail === undefined)
        throw new AppError("config.invalid", "no mail server is set: SMTP_URL names one");
      await deps.mail.send({
        to: settings.to,
        subject: body.text.split("\n", 1)[0]!.slice(0, 150),
        text: textOf(body),
        messageId: `<${message.id}@tapedeck>`,
      });
      return "delivered";
    case "webhook": {
      const headers = { ...json, "tapedeck-notification": message.id, ...(await deps.sign(message.body)) };
      return judge(await deps.post(settings.webhookUrl, headers, Buffer.from(message.body)));
    }
    case "slack":
      return call(settings.webhookUrl, { text: slackEscaped(textOf(body)) });
    case "telegram":
      return call(`${settings.apiUrl.replace(/\/$/, "")}/bot${settings.botToken}/sendMessage`, {
        chat_id: settings.chatId,
        text: textOf(body, maxTelegramText),
      });
    case "push":
      return push(settings, body, deps);
  }
}

/** Where a channel goes, without what is secret: a webhook's path may be. */
export function targetOf(settings: ChannelSettings): string {
  switch (settings.kind) {
    case "email":
      return settings.to;
    case "webhook":
    case "slack":
      return `${new URL(settings.webhookUrl).origin}/…`;
    case "telegram":
      return `chat ${settings.chatId}`;
    case "push":
      return `a browser, by ${new URL(settings.endpoint).host}`;
  }
}

/** Whose fault it is when a message is not taken: the host that is called, or the mail server. */
export function receiverOf(settings: ChannelSettings): string {
  switch (settings.kind) {
    case "email":
      return "mail server";
    case "webhook":
    case "slack":
      return new URL(settings.webhookUrl).host;
    case "telegram":
      return new URL(settings.apiUrl).host;
    case "push":
      return new URL(settings.endpoint).host;
  }
}
