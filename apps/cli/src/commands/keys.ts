import type { Command } from "commander";
import type { Role } from "@tapedeck/core";
import { table } from "../output.ts";
import { ago, clientOf, printJson, withConnection } from "./shared.ts";
import type { Cli, ConnectionFlags } from "./shared.ts";

interface CreateFlags extends ConnectionFlags {
  role: Role;
  days?: string;
}

export function keyCommands(program: Command, cli: Cli, now: () => number): void {
  const keys = program.command("keys").description("API keys: list, create, revoke");

  withConnection(keys.command("list", { isDefault: true }))
    .description("list API keys")
    .action(async (flags: ConnectionFlags) => {
      const page = await clientOf(cli, flags).call("listApiKeys", { query: { limit: 200 } });
      if (flags.json === true) return printJson(cli, page);
      const rows = page.items.map((key) => [
        key.id,
        key.name,
        key.prefix,
        key.role,
        key.lastUsedMs === null ? "never" : ago(key.lastUsedMs, now()),
        key.revokedMs === null ? "" : "revoked",
      ]);
      cli.out.print(
        rows.length === 0 ? "no keys" : table(["id", "name", "prefix", "role", "used", ""], rows),
      );
    });

  withConnection(keys.command("create"))
    .argument("<name>", "what it is for")
    .option("--role <role>", "viewer, analyst, trader, operator or admin", "analyst")
    .option("--days <n>", "expires after so many days")
    .description("make an API key; its secret is printed this once")
    .action(async (name: string, flags: CreateFlags) => {
      const made = await clientOf(cli, flags).call("createApiKey", {
        body: {
          name,
          role: flags.role,
          ...(flags.days === undefined ? {} : { expiresInDays: Number(flags.days) }),
        },
      });
      if (flags.json === true) printJson(cli, made);
      else cli.out.print(made.secret);
    });

  withConnection(keys.command("revoke"))
    .argument("<id>", "key id")
    .description("revoke an API key")
    .action(async (id: string, flags: ConnectionFlags) => {
      await clientOf(cli, flags).call("revokeApiKey", { params: { id } });
      cli.out.note(`${id} revoked`);
    });
}
