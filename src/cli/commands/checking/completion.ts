/**
 * `millrace completion`: scripts for shells, made from the program's own commands.
 *
 * A script holds the whole tree as data, so completing starts no process: for each path of commands
 * the words that may follow it.
 */

import type { Command } from "commander";
import { EXIT, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";

export type Shell = "bash" | "zsh" | "fish";

interface Completion {
  /** The commands before the word, separated by blanks; empty at the start. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly string[];
}

/** The command for this program. */
export function completionOf(
  program: Command,
): (context: CommandContext, options: GlobalOptions, shell: string) => Promise<ExitCode> {
  return async ({ output }, _options, shell) => {
    const script = completionScript(program, asShell(shell));
    await output.result({ shell, script }, script);
    return EXIT.ok;
  };
}

/** Commander has refused all other names. */
function asShell(name: string): Shell {
  return name === "zsh" || name === "fish" ? name : "bash";
}

export function completionScript(program: Command, shell: Shell): string {
  const completions = completionsOf(program, "");
  if (shell === "fish") return fishScript(completions);
  const bash = bashScript(completions);
  return shell === "bash"
    ? bash
    : `#compdef millrace\nautoload -U +X bashcompinit && bashcompinit\n${bash}`;
}

function completionsOf(command: Command, path: string): Completion[] {
  const here: Completion = {
    path,
    commands: command.commands.map((child) => ({
      name: child.name(),
      description: child.description(),
    })),
    options: [...globalOptions(command), ...command.options]
      .filter(({ hidden }) => !hidden)
      .flatMap(({ long }) => long ?? []),
  };
  const below = command.commands.flatMap((child) =>
    completionsOf(child, `${path} ${child.name()}`.trim()),
  );
  return [{ ...here, options: [...new Set(here.options)] }, ...below];
}

function globalOptions(command: Command): Command["options"] {
  return command.parent === null
    ? []
    : [...globalOptions(command.parent), ...command.parent.options];
}

function bashScript(completions: readonly Completion[]): string {
  const cases = completions.map(({ path, commands, options }) => {
    const words = [...commands.map(({ name }) => name), ...options, "--help"].join(" ");
    return `    "${path}") words="${words}" ;;`;
  });
  return [
    "_millrace() {",
    '  local word="${COMP_WORDS[COMP_CWORD]}" path="" next words i',
    "  for ((i = 1; i < COMP_CWORD; i++)); do",
    '    next="${COMP_WORDS[i]}"',
    '    case "$next" in -*) continue ;; esac',
    '    case " $_millrace_paths " in',
    '      *"|${path:+$path }$next|"*) path="${path:+$path }$next" ;;',
    "      *) break ;;",
    "    esac",
    "  done",
    '  case "$path" in',
    ...cases,
    "  esac",
    '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
    "}",
    `_millrace_paths="|${completions.map(({ path }) => path).join("|")}|"`,
    "complete -o default -F _millrace millrace",
  ].join("\n");
}

function fishScript(completions: readonly Completion[]): string {
  const lines = completions.flatMap(({ path, commands, options }) => {
    const seen = path.split(" ").filter((word) => word !== "");
    const after = seen.map((word) => `__fish_seen_subcommand_from ${word}`);
    const names = commands.map(({ name }) => name);
    const when = [
      ...(seen.length === 0 ? ["__fish_use_subcommand"] : after),
      ...(names.length > 0 && seen.length > 0
        ? [`not __fish_seen_subcommand_from ${names.join(" ")}`]
        : []),
    ].join("; and ");
    return [
      ...commands.map(
        ({ name, description }) =>
          `complete -c millrace -f -n "${when}" -a ${name} -d ${quoted(description)}`,
      ),
      ...options.map((option) => `complete -c millrace -n "${when}" -l ${option.slice(2)}`),
    ];
  });
  return lines.join("\n");
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
