/** Plays docs/tutorial.md as a stranger would: in an empty folder, with the packed package. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { shell, strangersEnvironment } from "./surroundings.ts";
import type { Trial } from "./trial.ts";
import { actionsOf, missing, type Action } from "./tutorial-page.ts";

const DEV = "npm run dev";
const USUAL_DOOR = "http://127.0.0.1:4370";
const PATIENCE_MS = 60_000;

export async function playTutorial(trial: Trial, page: string, folder: string): Promise<string> {
  const reader = new Reader(folder);
  try {
    const actions = actionsOf(readFileSync(page, "utf8"));
    if (actions.length < 20) throw new Error(`${page} has only ${actions.length} blocks`);
    for (const action of actions) {
      if (!(await trial.step(titleOf(action), () => reader.act(action)))) break;
    }
  } finally {
    await reader.leave();
  }
  return reader.cwd;
}

function titleOf(action: Action): string {
  switch (action.kind) {
    case "run":
      return `${firstLine(action.lines)}${action.how && ` (${action.how})`}`;
    case "file":
      return `${action.name} is as shown`;
    case "edit":
      return `${action.name}: ${action.to}`;
    case "watch":
      return `the first terminal shows: ${firstLine(action.seen)}`;
  }
}

function firstLine(text: string): string {
  return text.split("\n")[0]!;
}

class Reader {
  cwd: string;
  #terminal: FirstTerminal | undefined;

  constructor(folder: string) {
    this.cwd = folder;
  }

  async act(action: Action): Promise<void> {
    if (action.kind === "run") await this.#run(action);
    else if (action.kind === "file") this.#file(action.name, action.text);
    else if (action.kind === "edit") this.#edit(action);
    else await this.#terminalOf(action.kind).shows(action.seen);
  }

  /** Ends what still runs, by its id. */
  async leave(): Promise<void> {
    await this.#terminal?.end();
    this.#terminal = undefined;
  }

  async #run({ lines, how, seen }: Extract<Action, { kind: "run" }>): Promise<void> {
    if (lines === DEV) {
      this.#terminal = new FirstTerminal(this.cwd);
      return this.#terminal.shows(seen);
    }
    if (how === "after Ctrl-C") {
      const end = await this.#terminalOf(how).end();
      this.#terminal = undefined;
      if (end !== "130" && end !== "SIGINT") throw new Error(`${DEV} ended by ${end} after Ctrl-C`);
      if (existsSync(join(this.cwd, ".millrace/broker/door.json"))) {
        throw new Error("a process is left behind: its door still stands in door.json");
      }
    }
    const door = this.#terminal?.door;
    const here = door === undefined ? lines : lines.replaceAll(USUAL_DOOR, door.url);
    const env = strangersEnvironment(door && { TOKEN: door.token });
    const { status, text } = shell(here, this.cwd, env);
    const [, made] = /^mkdir (\w+) && cd \1$/m.exec(lines) ?? [];
    if (made !== undefined) this.cwd = join(this.cwd, made);
    if ((status !== 0) !== (how === "fails")) throw new Error(`exit code ${status}\n${text}`);
    const line = missing(seen, text);
    if (line !== undefined) throw new Error(`it does not say\n  ${line}\nbut\n${text}`);
  }

  /** What init wrote must be as shown; what the reader adds later is written. */
  #file(name: string, text: string): void {
    const path = join(this.cwd, name);
    if (this.#terminal !== undefined) writeFileSync(path, text);
    else if (readFileSync(path, "utf8") !== text) throw new Error(`${name} was written otherwise`);
  }

  #edit({ name, from, to }: Extract<Action, { kind: "edit" }>): void {
    const path = join(this.cwd, name);
    const before = readFileSync(path, "utf8");
    if (!before.includes(from)) throw new Error(`${basename(path)} has no line\n  ${from}`);
    writeFileSync(path, before.replace(from, to));
  }

  #terminalOf(what: string): FirstTerminal {
    if (this.#terminal === undefined) throw new Error(`${what} comes before ${DEV}`);
    return this.#terminal;
  }
}

/** Where `npm run dev` runs: a process group of its own, so that Ctrl-C reaches all of it and no more. */
class FirstTerminal {
  readonly #process: ChildProcess;
  #text = "";

  constructor(cwd: string) {
    this.#process = spawn("sh", ["-c", `exec ${DEV} 2>&1`], {
      cwd,
      env: strangersEnvironment(),
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#process.stdout!.on("data", (chunk: Buffer) => (this.#text += chunk.toString()));
  }

  get door(): { readonly url: string; readonly token: string } | undefined {
    const [, url, token] = /(http:\S+)\/\?token=(\S+)/.exec(this.#text) ?? [];
    return url === undefined || token === undefined ? undefined : { url, token };
  }

  /** Waits until each line is there, in whatever order; throws when it takes too long. */
  async shows(seen: string): Promise<void> {
    const untilMs = performance.now() + PATIENCE_MS;
    for (const line of seen.trimEnd().split("\n")) {
      while (missing(line, this.#text) !== undefined) {
        if (this.#over || performance.now() > untilMs) {
          throw new Error(`${DEV} does not say\n  ${line}\nbut\n${this.#text}`);
        }
        await sleep(50);
      }
    }
  }

  /** Ctrl-C. Returns the exit code or the signal: npm tells either, as its version has it. */
  async end(): Promise<string> {
    if (!this.#over) {
      const exited = once(this.#process, "exit");
      process.kill(-this.#process.pid!, "SIGINT");
      await exited;
    }
    return String(this.#process.exitCode ?? this.#process.signalCode);
  }

  get #over(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }
}
