/** `millrace start` as a process of its own, on free ports. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { freePorts } from "../../scripts/process/free-port.ts";

/** What the server's configuration says beside its ports. */
export interface ServerSettings {
  /** Of `embedded()`, as JSON. */
  readonly embedded?: Readonly<Record<string, unknown>>;
  /**
   * Members of `defineConfig()` as JavaScript, for what JSON cannot say: `signIn: async () => …,`. What
   * the package exports is at hand as `millrace`.
   */
  readonly code?: string;
  /** Added to the settings of the Kafka door, as JSON: `tls`, `host`. */
  readonly kafka?: Readonly<Record<string, unknown>>;
  readonly amqp?: Readonly<Record<string, unknown>>;
  /** Laid over the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface LaunchOptions extends ServerSettings {
  /** Holds the configuration, the data and what the server wrote. */
  readonly folder: string;
  /** Options of Node itself, such as `--cpu-prof`. */
  readonly nodeOptions?: readonly string[];
  /** From `dist` instead of the sources. */
  readonly built?: boolean;
  /** Where the package lies of which it runs, with `dist` and `src`; this repository unless said. */
  readonly home?: string;
}

const READY_MS_MAX = 60_000;
const SOURCE = resolve(import.meta.dirname, "../..");

export class MillraceServer implements AsyncDisposable {
  readonly kafkaPort: number;
  readonly amqpPort: number;
  readonly httpPort: number;
  /** Where the broker keeps its segments. */
  readonly dataFolder: string;
  private readonly options: LaunchOptions;
  private readonly output: string;
  private child: ChildProcess | undefined;

  private constructor(options: LaunchOptions, ports: readonly number[]) {
    const [kafkaPort = 0, amqpPort = 0, httpPort = 0] = ports;
    this.options = options;
    this.kafkaPort = kafkaPort;
    this.amqpPort = amqpPort;
    this.httpPort = httpPort;
    this.dataFolder = join(options.folder, "data");
    this.output = join(options.folder, "server.log");
  }

  static async start(options: LaunchOptions): Promise<MillraceServer> {
    const server = new MillraceServer(options, await freePorts(3));
    await mkdir(options.folder, { recursive: true });
    await server.configure();
    await server.start();
    return server;
  }

  get kafka(): string {
    return `127.0.0.1:${this.kafkaPort}`;
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.running ? this.child?.pid : undefined;
  }

  get running(): boolean {
    return (
      this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null
    );
  }

  /** On the same ports and data; resolves when its doors answer. */
  async start(): Promise<void> {
    const { built = false, home = SOURCE, nodeOptions = [], env } = this.options;
    const main = join(home, built ? "dist/cli/main.js" : "src/cli/main.ts");
    if (!existsSync(main)) throw new Error(`${main} is missing; run: npm run build`);
    const conditions = built ? [] : ["--conditions=source"];
    const ports = [
      `--kafka-port=${this.kafkaPort}`,
      `--amqp-port=${this.amqpPort}`,
      `--http-port=${this.httpPort}`,
    ];
    const log = createWriteStream(this.output, { flags: "a" });
    await once(log, "open");
    this.child = spawn(
      process.execPath,
      [...conditions, ...nodeOptions, main, "start", "--data", this.dataFolder, ...ports],
      { cwd: this.options.folder, env: { ...process.env, ...env }, stdio: ["ignore", log, log] },
    );
    log.close();
    // The HTTP door opens last.
    await this.answers(this.httpPort);
  }

  /** SIGTERM, and waits for the end. Harmless when it has ended. Throws if it did not end cleanly. */
  async stop(): Promise<void> {
    const { child } = this;
    if (child === undefined || !this.running) return;
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    const [code] = await exited;
    if (code !== 0) throw new Error(`the server ended with ${code}:\n${await this.log()}`);
  }

  /** SIGKILL, and waits for the end. */
  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined || !this.running) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  /** All that it has written. */
  log(): Promise<string> {
    return readFile(this.output, "utf8");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  /** It is found in the working directory. */
  private async configure(): Promise<void> {
    const { built = false, home = SOURCE, embedded, code = "", kafka, amqp } = this.options;
    if (embedded === undefined && code === "" && kafka === undefined && amqp === undefined) return;
    const module = (name: string): string => {
      const path = join(home, built ? `dist/${name}.js` : `src/${name}.ts`);
      return JSON.stringify(pathToFileURL(path).href);
    };
    const directory = join(this.dataFolder, "broker");
    const lines = [
      `import * as millrace from ${module("index")};`,
      `import { embedded } from ${module("embedded/embedded")};`,
      `export default {`,
      `  services: [],`,
      `  ${code}`,
      `  kafka: ${JSON.stringify({ port: 0, ...kafka })},`,
      `  amqp: ${JSON.stringify({ port: 0, ...amqp })},`,
      `  broker: embedded(${JSON.stringify({ directory, ...embedded })}),`,
      `};`,
    ];
    await writeFile(join(this.options.folder, "millrace.config.mjs"), `${lines.join("\n")}\n`);
  }

  /** Resolves when somebody takes connections at the port. Throws when the server ends before that. */
  private async answers(port: number): Promise<void> {
    const deadlineMs = performance.now() + READY_MS_MAX;
    while (!(await accepts(port))) {
      if (!this.running || performance.now() > deadlineMs) {
        const why = this.running ? `has no door at port ${port}` : "ended";
        await this.kill();
        throw new Error(`the server ${why}:\n${await this.log()}`);
      }
    }
  }
}

/** Whether a connection is taken; a refusal takes a moment to come, which is all the waiting there is. */
async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    return await new Promise((done) => {
      socket.once("connect", () => done(true));
      socket.once("error", () => setTimeout(() => done(false), 20));
    });
  } finally {
    socket.destroy();
  }
}
