import type { Command } from "commander";
import { AppError } from "@tapedeck/core";
import type { Cli } from "./shared.ts";

function words(program: Command): Array<{ path: string; children: string[]; options: string[] }> {
  const found: Array<{ path: string; children: string[]; options: string[] }> = [];
  const visit = (command: Command, path: string) => {
    found.push({
      path,
      children: command.commands.map((child) => child.name()),
      options: command.options.map((option) => option.long ?? option.short ?? "").filter(Boolean),
    });
    for (const child of command.commands)
      visit(child, path === "" ? child.name() : `${path} ${child.name()}`);
  };
  visit(program, "");
  return found;
}

function bash(program: Command): string {
  const cases = words(program).map(
    ({ path, children, options }) =>
      `    "${path}") COMPREPLY=($(compgen -W "${[...children, ...options].join(" ")}" -- "$cur"));;`,
  );
  return `_tapedeck() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word";; esac
  done
  while [ -n "$path" ] && ! [[ " ${words(program)
    .map(({ path }) => `|${path}|`)
    .join(" ")} " == *"|$path|"* ]]; do
    case "$path" in *" "*) path="\${path% *}";; *) path="";; esac
  done
  case "$path" in
${cases.join("\n")}
  esac
}
complete -o default -F _tapedeck tapedeck`;
}

function fish(program: Command): string {
  return words(program)
    .flatMap(({ path, children, options }) => {
      const condition =
        path === "" ? "__fish_use_subcommand" : `__fish_seen_subcommand_from ${path.split(" ").at(-1)}`;
      return [
        ...children.map((child) => `complete -c tapedeck -n '${condition}' -a ${child}`),
        ...options.map((option) => `complete -c tapedeck -n '${condition}' -l ${option.replace(/^--/, "")}`),
      ];
    })
    .join("\n");
}

export function completionCommand(program: Command, cli: Cli): void {
  program
    .command("completion")
    .argument("<shell>", "bash, zsh or fish")
    .description('print a completion script; for bash: eval "$(npx tapedeck completion bash)"')
    .action((shell: string) => {
      if (shell === "bash") cli.out.print(bash(program));
      else if (shell === "zsh")
        cli.out.print(`autoload -U +X bashcompinit && bashcompinit\n${bash(program)}`);
      else if (shell === "fish") cli.out.print(fish(program));
      else throw new AppError("payload.invalid", `no completion for ${shell}; there are bash, zsh and fish`);
    });
}
