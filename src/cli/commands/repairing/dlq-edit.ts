/**
 * `millrace dlq edit`: a corrected copy in a failure's place. The payload comes by an option, from a
 * file, or from the person's editor, in which it stands as it failed.
 */

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text as readAll } from "node:stream/consumers";
import type { Failure, Target } from "../../../admin/admin.ts";
import type { FailureEdit } from "../../../admin/api/edit-admin.ts";
import { EXIT, MillraceError, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { openSession } from "../../session.ts";
import { confirm } from "../../terminal/confirm.ts";

export interface EditOptions extends GlobalOptions {
  readonly payload?: string;
  readonly file?: string;
  readonly type?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export async function edit(
  context: CommandContext,
  { payload, file, type, dryRun = false, yes }: EditOptions,
  ref: string,
): Promise<ExitCode> {
  const { output, by } = context;
  await using session = await openSession(context);
  const failure = await session.admin.showFailure(ref);
  const dataJson = await correctedPayload(context, { payload, file }, failure);
  const change: FailureEdit = { dataJson, ...(type !== undefined && { type }) };
  const planned = await session.admin.editFailure(ref, change, { dryRun: true });
  if (dryRun) {
    const text = `a corrected copy would go to ${targetText(planned.to)}, and ${ref} would be removed`;
    await output.result({ ...planned, dryRun }, text);
    return EXIT.ok;
  }
  const what = `publish a corrected copy to ${targetText(planned.to)} and remove ${ref}`;
  await confirm(context, { what, yes });
  const edited = await session.admin.editFailure(ref, change, { by });
  const id = edited.published?.id ?? "";
  const rest = edited.removed ? `${ref} removed` : `${ref} was gone already: look at both`;
  await output.result(
    { ...edited, dryRun },
    `${id} published to ${targetText(edited.to)}; ${rest}`,
  );
  return EXIT.ok;
}

function targetText({ kind, name }: Target): string {
  return `${kind} ${name}`;
}

async function correctedPayload(
  context: CommandContext,
  { payload, file }: { readonly payload: string | undefined; readonly file: string | undefined },
  failure: Failure,
): Promise<string> {
  if (payload !== undefined && file !== undefined) {
    throw new MillraceError("BAD_ARGUMENT", "--payload and --file exclude each other; give one");
  }
  if (payload !== undefined) return payload;
  if (file === "-") return readAll(context.stdin);
  if (file !== undefined) return readFile(resolve(context.folder, file), "utf8");
  return editedByHand(context, failure);
}

async function editedByHand({ stdin, stderr }: CommandContext, failure: Failure): Promise<string> {
  const editor = process.env["VISUAL"] ?? process.env["EDITOR"];
  if (!stdin.isTTY || !stderr.isTTY || editor === undefined || editor === "") {
    throw new MillraceError(
      "BAD_ARGUMENT",
      "there is no editor to correct the payload in; set EDITOR and call this on a terminal, or give --payload or --file",
    );
  }
  const folder = await mkdtemp(join(tmpdir(), "millrace-edit-"));
  try {
    const path = join(folder, "payload.json");
    const before = pretty(failure.dataJson ?? "");
    await writeFile(path, before, { mode: 0o600 });
    await runEditor(editor, path);
    const after = await readFile(path, "utf8");
    if (after !== before) return after.trim();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  throw new MillraceError("CONFIRMATION_NEEDED", "nothing was corrected; nothing was changed");
}

/** Indented where no digit would change by it. */
function pretty(json: string): string {
  const text =
    json === "" || /\d{16}/.test(json) ? json : JSON.stringify(JSON.parse(json), null, 2);
  return `${text}\n`;
}

/** The variable may hold options too: `code --wait`. */
function runEditor(editor: string, path: string): Promise<void> {
  const [program = "", ...options] = editor.split(/\s+/);
  return new Promise((done, failed) => {
    const child = spawn(program, [...options, path], { stdio: "inherit" });
    child.once("error", (cause) => {
      failed(new MillraceError("BAD_ARGUMENT", `the editor ${editor} cannot be run`, { cause }));
    });
    child.once("exit", (code, signal) => {
      if (code === 0) done();
      else {
        const how = signal ?? `exit code ${code}`;
        failed(new MillraceError("CANCELLED", `the editor ended with ${how}; nothing was changed`));
      }
    });
  });
}
