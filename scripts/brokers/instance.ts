/**
 * One broker that was started here, and the note of it on disk.
 *
 * An instance outlives the program that started it: what is needed to find it again stands in its note,
 * `running/ID.json` in the cache folder. Started by the command it has the id of its recipe (`kafka`);
 * started by a program, one of its own (`kafka-3f2a`), so several programs can have a Kafka each. An
 * instance keeps its ports and its data from start to start, until it is removed.
 */

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, globSync, openSync, readFileSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { freePorts } from "../process/free-port.ts";
import { cacheFolder } from "../process/installed-once.ts";
import type { BrokerAddress, BrokerOptions, BrokerRecipe, Launch, LaunchPlace } from "./broker.ts";
import {
  identityOf,
  isAlive,
  type ProcessIdentity,
  signalProcess,
  untilEnded,
} from "./processes.ts";
import { recipeOf } from "./recipes.ts";

const READY_MS_MAX = 120_000;
const LOOK_EVERY_MS = 50;
const KILL_MS_MAX = 10_000;
const TOLD_CHARACTERS = 4000;

interface Note extends LaunchPlace {
  readonly id: string;
  readonly recipe: string;
  readonly address: BrokerAddress;
  readonly broker?: ProcessIdentity;
  readonly companion?: ProcessIdentity;
}

export class BrokerInstance implements AsyncDisposable {
  private note: Note;
  private readonly recipe: BrokerRecipe;

  private constructor(recipe: BrokerRecipe, note: Note) {
    this.recipe = recipe;
    this.note = note;
  }

  /** Installs the broker if needed, prepares a data directory, and starts it. */
  static async create(name: string, id: string, options: BrokerOptions): Promise<BrokerInstance> {
    const recipe = recipeOf(name);
    const installed = await recipe.install();
    const data = join(
      installed.dataParent ?? join(cacheFolder(), "data"),
      `${id}-${randomBytes(4).toString("hex")}`,
    );
    await mkdir(data, { recursive: true });
    const place: LaunchPlace = {
      ...installed,
      data,
      ports: await freePorts(recipe.ports),
      options,
    };
    await recipe.format?.(place);
    const { address } = await recipe.launch(place);
    const instance = new BrokerInstance(recipe, { ...place, id, recipe: name, address });
    try {
      await instance.start();
    } catch (error) {
      await instance.remove();
      throw error;
    }
    return instance;
  }

  /** All that have a note, whether they run or not. */
  static all(): readonly BrokerInstance[] {
    const files = globSync(join(notesFolder(), "*.json")).toSorted();
    return files.map((file) => BrokerInstance.find(basename(file, ".json"))!);
  }

  static find(id: string): BrokerInstance | undefined {
    const file = noteFile(id);
    if (!existsSync(file)) return undefined;
    const note: Note = JSON.parse(readFileSync(file, "utf8"));
    return new BrokerInstance(recipeOf(note.recipe), note);
  }

  get id(): string {
    return this.note.id;
  }

  get address(): BrokerAddress {
    return this.note.address;
  }

  /** Of the broker itself. Throws while it does not run. */
  get pid(): number {
    const { broker } = this.note;
    if (broker === undefined || !isAlive(broker)) throw new Error(`${this.id} does not run`);
    return broker.pid;
  }

  get running(): boolean {
    const { broker } = this.note;
    return broker !== undefined && isAlive(broker);
  }

  /** Its data directory. */
  get data(): string {
    return this.note.data;
  }

  /** After `stop` or `kill`, on the same ports and data; resolves when it answers. */
  async start(): Promise<void> {
    if (this.running) throw new Error(`${this.id} runs already`);
    const launch = await this.recipe.launch(this.note);
    if (launch.pidFile !== undefined) await rm(launch.pidFile, { force: true });
    const { companion } = launch;
    if (companion !== undefined) await this.keep({ companion: this.spawn(companion) });
    const started = this.spawn(launch);
    await this.keep({ broker: started });
    await this.untilReady(started);
    if (launch.pidFile !== undefined) await this.keep({ broker: await brokerIn(launch.pidFile) });
  }

  /** As its operator would; throws if it had to be killed. Harmless when it has ended. */
  async stop(): Promise<void> {
    const { broker, id } = this.note;
    if (broker !== undefined) {
      // A paused process takes no signal but the last.
      signalProcess(broker, "SIGCONT");
      signalProcess(broker, "SIGTERM");
      if (!(await untilEnded(broker, this.recipe.stopMsMax))) {
        await this.kill();
        throw new Error(`${id} did not stop within ${this.recipe.stopMsMax} ms and was killed`);
      }
    }
    await this.endCompanion();
  }

  async kill(): Promise<void> {
    const { broker, id } = this.note;
    if (broker !== undefined) {
      signalProcess(broker, "SIGKILL");
      if (!(await untilEnded(broker, KILL_MS_MAX))) throw new Error(`${id} survives SIGKILL`);
    }
    await this.endCompanion();
  }

  /** It keeps its connections and answers nothing until `resume`. */
  pause(): void {
    process.kill(this.pid, "SIGSTOP");
  }

  resume(): void {
    process.kill(this.pid, "SIGCONT");
  }

  /** Kills it and removes its data and its note. */
  async remove(): Promise<void> {
    await this.kill();
    await rm(this.data, { recursive: true, force: true });
    await rm(noteFile(this.id), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }

  private async endCompanion(): Promise<void> {
    const { companion, id } = this.note;
    if (companion === undefined) return;
    signalProcess(companion, "SIGKILL");
    if (!(await untilEnded(companion, KILL_MS_MAX))) throw new Error(`${id}'s helper survives`);
  }

  private async keep(change: Partial<Note>): Promise<void> {
    this.note = { ...this.note, ...change };
    await mkdir(notesFolder(), { recursive: true });
    await writeFile(noteFile(this.id), JSON.stringify(this.note));
  }

  /** A session of its own: what interrupts the program that started it does not end it. */
  private spawn({ command, args, env }: Pick<Launch, "command" | "args" | "env">): ProcessIdentity {
    const output = openSync(this.outputFile, "a");
    try {
      const stdio = ["ignore", output, output] as const;
      const child = spawn(command, args, {
        cwd: this.data,
        env: { ...process.env, ...env },
        stdio: [...stdio],
        detached: true,
      });
      // Its absence is told by `pid`, which is undefined where there is no such program.
      child.on("error", () => undefined);
      child.unref();
      const identity = child.pid === undefined ? undefined : identityOf(child.pid);
      if (identity === undefined) throw new Error(`${command} could not be started`);
      return identity;
    } finally {
      closeSync(output);
    }
  }

  private get outputFile(): string {
    return join(this.data, "output.log");
  }

  private async untilReady(started: ProcessIdentity): Promise<void> {
    const deadlineMs = performance.now() + READY_MS_MAX;
    while (!(await this.recipe.answers(this.address))) {
      const alive = isAlive(started);
      if (!alive || performance.now() > deadlineMs) {
        await this.kill();
        const why = alive ? `did not answer within ${READY_MS_MAX} ms` : "ended at its start";
        const output = (await readFile(this.outputFile, "utf8")).slice(-TOLD_CHARACTERS);
        throw new Error(`${this.id} ${why}:\n${output}`);
      }
      await after(LOOK_EVERY_MS);
    }
  }
}

async function brokerIn(pidFile: string): Promise<ProcessIdentity> {
  const identity = identityOf(Number((await readFile(pidFile, "utf8")).trim()));
  if (identity === undefined) throw new Error(`${pidFile} names a process that has ended`);
  return identity;
}

function notesFolder(): string {
  return join(cacheFolder(), "running");
}

function noteFile(id: string): string {
  return join(notesFolder(), `${id}.json`);
}
