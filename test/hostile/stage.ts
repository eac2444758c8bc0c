/** A server and its attackers, each a process of its own. */

import { fork, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Counts } from "./attack.ts";
import type { ServerFacts } from "./serve.ts";

/** Memory where there is some: a disk that others use would be measured with the door. */
const PLACE = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const here = (name: string): string => join(import.meta.dirname, name);

export interface Server extends AsyncDisposable {
  readonly ports: Readonly<Record<"kafka" | "amqp", number>>;
  readonly alive: boolean;
  facts(): Promise<ServerFacts>;
}

export async function startServer(mode: "open" | "asks" = "open", control = ""): Promise<Server> {
  const directory = mkdtempSync(join(PLACE, "millrace-hostile-"));
  const child = fork(here("serve.ts"), [directory, mode, control], {
    execArgv: ["--conditions=source"],
  });
  const { ports } = await told<Pick<Server, "ports">>(child);
  return {
    ports,
    get alive() {
      return child.exitCode === null && child.signalCode === null;
    },
    async facts() {
      const answered = told<{ facts: ServerFacts }>(child);
      child.send("facts");
      return (await answered).facts;
    },
    async [Symbol.asyncDispose]() {
      await ended(child, () => child.kill("SIGKILL"));
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

export function startAttack(name: string, port: number, seed: number, share: number): Attacker {
  const args = [name, port, seed, share].map(String);
  const child = fork(here("attacker.ts"), args, { execArgv: ["--conditions=source"] });
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
