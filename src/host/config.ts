/**
 * `millrace.config.ts`: what the command line runs. It is a module whose default export is the
 * configuration, so that services are named by import and every mistake is a compile error; it is
 * checked again when it is loaded, because JavaScript has no compiler.
 */

import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { MillraceError } from "../model/errors.ts";
import { CONTRACT_LOCK, DATA_DIRECTORY } from "./config-file.ts";
import { checkServices, SHARED_KEYS, type AppOptions } from "./options.ts";
import { shape, text } from "./settings/settings.ts";

/** As `openApp` takes it; the command line fills in what is left out from the data directory. */
export interface Config extends Omit<
  AppOptions,
  "store" | "environment" | "contracts" | "contractBreaks"
> {
  /** Where the embedded broker and stores keep their data, from the file's folder; `.millrace` unless said. */
  readonly data?: string;
  /** SQLite files in the data directory unless said. */
  readonly store?: AppOptions["store"];
  /**
   * The committed contract lock, from the file's folder; `contracts.lock.json` beside it unless said.
   * One that is named must be there when something starts.
   */
  readonly contracts?: string;
}

const configShape = shape({ ...SHARED_KEYS, data: text, contracts: text }, ["services"]);

/** Checks a configuration and returns it as it is. Throws BAD_CONFIG, BAD_DECLARATION. */
export function defineConfig(config: Config): Config {
  configShape(config, "");
  checkServices(config.services);
  return config;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The file, absolute. */
  readonly file: string;
  /** The data directory, absolute. */
  readonly data: string;
  /** The contract lock, absolute; whether it is there is not looked at. */
  readonly contracts: string;
}

/** Loads and checks a configuration file. Throws BAD_CONFIG with the file and the cause. */
export async function loadConfig(file: string): Promise<LoadedConfig> {
  const path = resolve(file);
  if (!existsSync(path)) {
    throw new MillraceError(
      "BAD_CONFIG",
      `there is no configuration at ${path}; create it with \`export default defineConfig({ services: […] })\``,
      {
        details: { file: path },
      },
    );
  }
  const config = checked(path, await importDefault(path));
  const { data = DATA_DIRECTORY, contracts = CONTRACT_LOCK } = config;
  const inFolder = (name: string): string => resolve(dirname(path), name);
  return { config, file: path, data: inFolder(data), contracts: inFolder(contracts) };
}

async function importDefault(path: string): Promise<unknown> {
  try {
    const module: { default?: unknown } = await import(pathToFileURL(path).href);
    return module.default;
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new MillraceError("BAD_CONFIG", `${path} cannot be loaded: ${message}${placeOf(error)}`, {
      cause: error,
      details: { file: path },
    });
  }
}

/** Where in whose source, as far as the error tells: it is seldom the configuration itself. */
function placeOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  // Errors of syntax begin with the place, others have it in the first line of their stack.
  const [, file, line] =
    /^(?:file:\/\/)?(\/\S+):(\d+)\n/.exec(stack) ??
    /^\s+at (?:.*\()?file:\/\/(\S+?):(\d+):\d+\)?$/m.exec(stack) ??
    [];
  return file === undefined || line === undefined ? "" : ` (${file}, line ${line})`;
}

function checked(path: string, value: unknown): Config {
  if (value === undefined) {
    throw new MillraceError(
      "BAD_CONFIG",
      `${path} exports no configuration; write \`export default defineConfig({ services: […] })\``,
      { details: { file: path } },
    );
  }
  try {
    assertConfig(value);
    return value;
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    throw new MillraceError(error.code, `${path}: ${error.message}`, {
      cause: error,
      details: { ...error.details, file: path },
    });
  }
}

function assertConfig(value: unknown): asserts value is Config {
  configShape(value, "");
  const { services }: Pick<Config, "services"> = Object(value);
  checkServices(services);
}
