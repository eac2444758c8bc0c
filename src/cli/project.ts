/** The project that a command works on: its configuration, if it has one, and its data directory. */

import { join, resolve } from "node:path";
import { DATA_DIRECTORY, findConfig } from "../host/config-file.ts";
import type { LoadedConfig } from "../host/config.ts";
import type { GlobalOptions } from "./context.ts";

export interface Project {
  readonly loaded: LoadedConfig | undefined;
  /** Absolute. It holds the embedded broker, and the stores in `stores`. */
  readonly data: string;
  /** Where the broker keeps its data, and the running process the address of its door. */
  readonly brokerDirectory: string;
}

/** Loading the configuration runs the modules that it imports. Throws BAD_CONFIG. */
export async function loadProject(folder: string, options: GlobalOptions): Promise<Project> {
  const file = options.config === undefined ? findConfig(folder) : resolve(folder, options.config);
  const loaded = file === undefined ? undefined : await load(file);
  const data = dataGiven(folder, options) ?? loaded?.data ?? resolve(folder, DATA_DIRECTORY);
  const { broker, streams } = loaded?.config ?? {};
  const configured = streams?.directory ?? broker?.directory;
  return { loaded, data, brokerDirectory: configured ?? brokerDirectoryIn(data) };
}

async function load(file: string): Promise<LoadedConfig> {
  const { loadConfig } = await import("../host/config.ts");
  return loadConfig(file);
}

export function brokerDirectoryIn(data: string): string {
  return join(data, "broker");
}

/** The data directory as far as it is known without loading the configuration. */
export function dataGiven(folder: string, { data }: GlobalOptions): string | undefined {
  const given = data ?? process.env["MILLRACE_DATA"];
  return given === undefined || given === "" ? undefined : resolve(folder, given);
}
