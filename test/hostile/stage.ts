/** A server and its attackers, each a process of its own. */

import { fork, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Counts } from "./attacks/attack.ts";
import { prefer } from "./preferred.ts";
import type { ServerFacts } from "./serve.ts";

/** Memory where there is some: a disk that others use would be measured with the door. */
const PLACE = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const here = (name: string): string => join(import.meta.dirname, name);

export interface Server extends AsyncDisposable {
  readonly ports: Readonly<Record<"kafka" | "amqp", number>>;
  readonly pid: number;
  readonly alive: boolean;
  facts(): Promise<ServerFacts>;
}

export interface ServerOptions {
  /** Whom it lets in: everybody, or who signs in. */
  readonly mode?: "open" | "asks";
  readonly control?: string | undefined;
  /** Where a profile of its processor time is written when it ends. */
  readonly profile?: string | undefined;
}

export async function startServer({
  mode = "open",
  control = "",
  profile,
}: ServerOptions = {}): Promise<Server> {
  const directory = mkdtempSync(join(PLACE, "millrace-hostile-"));
  const profiling = profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`];
  const child = fork(here("serve.ts"), [directory, mode, control], {
    execArgv: ["--conditions=source", ...profiling],
    detached: true,
  });
  prefer(child.pid!);
  const { ports } = await told<Pick<Server, "ports">>(child);
  return {
    ports,
    pid: child.pid!,
    get alive() {
      return child.exitCode === null && child.signalCode === null;
    },
    async facts() {
      const answered = told<{ facts: ServerFacts }>(child);
      child.send("facts");
      return (await answered).facts;
    },
    async [Symbol.asyncDispose]() {
      await ended(child, () =>
        profile === undefined ? child.kill("SIGKILL") : child.disconnect(),
      );
      rmSync(directory, { recursive: true });
    },
  };
}

export interface Attacker {
  /** Resolves when the attack goes on as it will. */
  readonly ready: Promise<unknown>;
  stop(): Promise<Counts>;
  /** Ends it whatever it does. */
  kill(): void;
}

export function startAttack(
  name: string,
  { port, seed, share }: Readonly<Record<"port" | "seed" | "share", number>>,
): Attacker {
  const args = [name, port, seed, share].map(String);
  const child = fork(here("attacks/attacker.ts"), args, {
    execArgv: ["--conditions=source"],
    detached: true,
  });
  const ready = told<{ ready: true }>(child);
  return {
    ready,
    kill: () => child.kill("SIGKILL"),
    async stop() {
      const answered = told<{ counts: Counts }>(child);
      child.send("stop");
      const { counts } = await answered;
      await ended(child, () => undefined);
      return counts;
    },
  };
}

/** What the child says next. Rejects where it ends instead. */
function told<Message>(child: ChildProcess): Promise<Message> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error("the process ended"));
    child.once("exit", gone);
    child.once("message", (message: Message) => {
      child.off("exit", gone);
      resolve(message);
    });
  });
}

function ended(child: ChildProcess, end: () => unknown): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    end();
  });
}
