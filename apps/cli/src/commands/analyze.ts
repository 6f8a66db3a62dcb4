import type { Command } from "commander";
import { AppError } from "@tapedeck/core";
import { showPayload } from "../results/payload.ts";
import { follow } from "./jobs.ts";
import { clientOf, withConnection } from "./shared.ts";
import type { Cli, ConnectionFlags } from "./shared.ts";

interface AnalyzeFlags extends ConnectionFlags {
  kind?: string;
}

/** What is used of a payload's JSON Schema. */
interface Member {
  type?: string;
  format?: string;
  const?: unknown;
  items?: Member;
}
interface PayloadSchema {
  oneOf: { $ref: string }[];
  $defs: Record<string, { properties: Record<string, Member> }>;
}

function kindsOf(schema: PayloadSchema): Map<string, Record<string, Member>> {
  const members = schema.oneOf.map(({ $ref }) => schema.$defs[$ref.replace("#/$defs/", "")]!.properties);
  return new Map(members.map((one) => [String(one["kind"]!.const), one]));
}

/** A flag's text as its member wants it: lists by commas (formulas by semicolons), objects as JSON. */
function valueOf(flag: string, text: string, member: Member): unknown {
  switch (member.type) {
    case "number":
    case "integer":
      return Number(text);
    case "boolean":
      return text === "true";
    case "array":
      if (member.items?.type !== "object" && !text.startsWith("[")) {
        const parts = text.split(member.items?.format === "formula" ? ";" : ",").map((part) => part.trim());
        return parts.map((part) => valueOf(flag, part, member.items ?? {}));
      }
      break;
    case "object":
      break;
    default:
      if (!text.startsWith("{")) return text;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AppError("request.malformed", `${flag} is not JSON: ${(error as Error).message}`);
  }
}

/** `--z-window 60 --y SPY.XNYS` as members of the payload. */
export function payloadOf(
  words: readonly string[],
  members: Record<string, Member>,
): Record<string, unknown> {
  const payload: Record<string, unknown> = {};
  for (let i = 0; i < words.length; i += 2) {
    const flag = words[i]!;
    const name = flag
      .replace(/^--/, "")
      .replaceAll(/-([a-z])/g, (_all, letter: string) => letter.toUpperCase());
    const member = flag.startsWith("--") ? members[name] : undefined;
    if (member === undefined) {
      throw new AppError(
        "payload.invalid",
        `this kind has no ${flag}; there are ${Object.keys(members)
          .filter((one) => one !== "kind")
          .map((one) => `--${one}`)
          .join(", ")}`,
      );
    }
    const text = words[i + 1];
    if (text === undefined) throw new AppError("payload.invalid", `${flag} needs a value`);
    payload[name] = valueOf(flag, text, member);
  }
  return payload;
}

export function analyzeCommand(program: Command, cli: Cli): void {
  withConnection(program.command("analyze"))
    .option("--kind <kind>", "formulas, summary, pairs, risk, portfolio …; without it, what each kind takes")
    .argument("[members...]", "members of the kind's payload: --y SPY.XNYS --x IWM.XNYS --z-window 60")
    .allowUnknownOption()
    .description("run an analysis and print its figures")
    .action(async (words: string[], flags: AnalyzeFlags) => {
      const client = clientOf(cli, flags);
      const types = await client.call("listJobTypes", {});
      const type = types.items.find((one) => one.name === "analyze")!;
      const schema = type.payload as unknown as PayloadSchema;
      if (flags.kind === undefined) return showPayload(schema, cli.out);
      const kinds = kindsOf(schema);
      const members = kinds.get(flags.kind);
      if (members === undefined) {
        throw new AppError(
          "payload.invalid",
          `no kind of analysis ${flags.kind}; there are ${[...kinds.keys()].join(", ")}`,
        );
      }
      const job = await client.submit("analyze", { kind: flags.kind, ...payloadOf(words, members) });
      await follow(cli, flags, job.id);
    });
}
