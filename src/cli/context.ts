/** What every command is given: the process it runs in, seen through what a command may use of it. */

import type { Environment } from "../model/environment.ts";
import type { Output } from "./terminal/output.ts";

/** Options that every command takes. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly debug?: boolean;
  /** The data directory; goes before the configuration's. */
  readonly data?: string;
  /** The configuration file. */
  readonly config?: string;
}

export interface CommandContext {
  readonly options: GlobalOptions;
  readonly output: Output;
  readonly environment: Environment;
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Who calls, as it stands in the log of the process that is changed. */
  readonly by: string;
  /** Where the command was called. */
  readonly folder: string;
  readonly stdin: NodeJS.ReadStream;
  readonly stderr: NodeJS.WriteStream;
}
