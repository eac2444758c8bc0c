/**
 * What every trial of a stranger's client is: a value of `ClientCase`, exported by a file in `cases/`
 * and listed in `cases/index.ts`.
 *
 * A case runs the client as its users do, against one `millrace start` that all cases share, on names
 * of its own; it returns what it counted. It passes when each count is the one demanded. So a case
 * whose client quietly did nothing fails, and so does one that demands nothing.
 *
 * The client's own code stands in `programs/` in its language; `place.tools` installs what it needs and
 * runs it. A program tells its counts as one JSON object on the last line of standard output, which
 * `countsOf` reads.
 */

import type { ProgramOptions, ProgramOutput } from "../../scripts/process/run-program.ts";
import type { MillraceServer, ServerSettings } from "./millrace-server.ts";

export type Counts = Readonly<Record<string, number>>;

export interface ClientCase {
  /** The client's name first: `kafkajs group`. The first word chooses cases on the command line. */
  readonly name: string;
  /** What must have been counted, to the one; something greater than zero is among it. */
  readonly demands: Counts;
  /** From the first byte sent to the last answer, without installing; 60,000 unless said. */
  readonly timeoutMs?: number;
  /** A case that needs the others' traffic, or ends the server, runs behind them. */
  readonly last?: boolean;
  readonly run: (place: ClientPlace) => Promise<Counts>;
}

/** What a case is given. */
export interface ClientPlace {
  /** `127.0.0.1:PORT` of the Kafka door. */
  readonly kafka: string;
  readonly amqp: { readonly host: string; readonly port: number };
  readonly server: MillraceServer;
  /** A name that no other case uses: of a topic, a group, a queue, a transactional id. */
  readonly name: (purpose: string) => string;
  /** Starts another server for this case alone, closed with it: for settings that others must not see. */
  startServer(settings: ServerSettings): Promise<MillraceServer>;
  /** A folder that is empty, and removed behind the case. */
  readonly folder: string;
  readonly tools: ClientTools;
}

export interface JavaOptions extends ProgramOptions {
  /** `kafka` unless said. */
  readonly libraries?: "kafka" | "jms";
}

/** The runtimes of clients. Each installs, on its first use, what it runs; what fails then is a failure. */
export interface ClientTools {
  /** A program of `programs/` with the packages of `npm/package-lock.json`. */
  node(program: string, args: readonly string[], options?: ProgramOptions): Promise<ProgramOutput>;
  /** A program of `programs/` with the packages of `python/requirements.txt`. */
  python(
    program: string,
    args: readonly string[],
    options?: ProgramOptions,
  ): Promise<ProgramOutput>;
  /** A class of Kafka's own tools or libraries. */
  kafkaClass(
    name: string,
    args: readonly string[],
    options?: ProgramOptions,
  ): Promise<ProgramOutput>;
  /** A Java source file of `programs/`, compiled against Kafka's libraries or those of Qpid JMS. */
  java(program: string, args: readonly string[], options?: JavaOptions): Promise<ProgramOutput>;
  kcat(args: readonly string[], options?: ProgramOptions): Promise<ProgramOutput>;
}

/** The counts that a program printed on its last line. Throws if it printed none. */
export function countsOf({ stdout, stderr }: ProgramOutput): Counts {
  const line = stdout.trimEnd().split("\n").at(-1) ?? "";
  let counts: unknown;
  try {
    counts = JSON.parse(line);
  } catch (cause) {
    throw new Error(`the program's last line is not JSON: ${line}\n${stderr}`, { cause });
  }
  if (!isCounts(counts)) throw new Error(`the program's last line is no set of counts: ${line}`);
  return counts;
}

function isCounts(value: unknown): value is Counts {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((count) => typeof count === "number")
  );
}
