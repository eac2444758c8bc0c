/** `millrace config show`: every value that is in force, and where it comes from. */

import type { AmqpDoorSettings, DoorProtocol, KafkaDoorSettings } from "../../../broker/doors.ts";
import type { BrokerFactory } from "../../../broker/broker.ts";
import { DOOR_PORT } from "../../../host/door.ts";
import { DATA_DIRECTORY } from "../../../host/config-file.ts";
import type { Config } from "../../../host/config.ts";
import { STOP_MS_DEFAULT } from "../../../host/options.ts";
import { EXIT, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { loadProject, type Project } from "../../project.ts";
import type { Column } from "../../terminal/table.ts";

export interface ConfigOptions extends GlobalOptions {
  readonly origin?: boolean;
}

export interface Setting {
  readonly key: string;
  readonly value: string | number;
  /** The file, `environment NAME`, `option --NAME`, or `default`. */
  readonly origin: string;
}

const SECRET = "(not shown)";
const NOT_SET = "(none)";

const COLUMNS: readonly Column<Setting>[] = [
  { title: "key", value: ({ key }) => key },
  { title: "value", value: ({ value }) => value },
];
const ORIGIN: Column<Setting> = { title: "origin", value: ({ origin }) => origin };

export async function show(context: CommandContext, options: ConfigOptions): Promise<ExitCode> {
  const { output, folder } = context;
  const settings = settingsOf(await loadProject(folder, options), options, process.env);
  const withOrigin = options.origin === true;
  const shown = withOrigin
    ? settings
    : settings.map(({ key, value }) => ({ key, value, origin: "" }));
  if (output.json) {
    const rows = withOrigin ? settings : settings.map(({ key, value }) => ({ key, value }));
    await output.line(JSON.stringify(rows));
  } else await output.rows(shown, withOrigin ? [...COLUMNS, ORIGIN] : COLUMNS, "no settings");
  return EXIT.ok;
}

/** In the order of the documentation. Pure: the environment is given. */
export function settingsOf(
  { loaded, data, brokerDirectory }: Project,
  options: GlobalOptions,
  environment: Readonly<Record<string, string | undefined>>,
): readonly Setting[] {
  const config: Partial<Config> = loaded?.config ?? {};
  const file = loaded?.file ?? "";
  const http = config.http === false ? undefined : config.http;
  const log = config.log !== undefined && !("warn" in config.log) ? config.log : undefined;
  const given = (name: string): string | undefined => environment[name] || undefined;

  const fromFile = (
    key: string,
    value: string | number | undefined,
    otherwise: string | number,
  ): Setting =>
    value === undefined
      ? { key, value: otherwise, origin: "default" }
      : { key, value, origin: file };
  const configFile = (): Setting => {
    const key = "config";
    if (loaded === undefined) return { key, value: NOT_SET, origin: "default" };
    return {
      key,
      value: file,
      origin: options.config === undefined ? "default" : "option --config",
    };
  };
  const dataDirectory = (): Setting => {
    const key = "data";
    if (options.data !== undefined) return { key, value: data, origin: "option --data" };
    const named = given("MILLRACE_DATA");
    if (named !== undefined) return { key, value: data, origin: "environment MILLRACE_DATA" };
    const set = config.data === undefined ? undefined : data;
    return fromFile(key, set, data === "" ? DATA_DIRECTORY : data);
  };
  const token = (): Setting => {
    const key = "http.token";
    if (given("MILLRACE_TOKEN") !== undefined) {
      return { key, value: SECRET, origin: "environment MILLRACE_TOKEN" };
    }
    return fromFile(key, http?.token === undefined ? undefined : SECRET, "(a new one each start)");
  };
  const broker = (key: string, factory: BrokerFactory | undefined, otherwise: string): Setting =>
    fromFile(key, factory === undefined ? undefined : factoryText(factory), otherwise);

  return [
    configFile(),
    dataDirectory(),
    fromFile("services", namesOf(config.services), NOT_SET),
    broker("broker", config.broker, `embedded in ${brokerDirectory}`),
    broker("streams", config.streams, "(the broker's)"),
    broker("queues", config.queues, "(the broker's)"),
    fromFile("store", config.store?.adapter, `sqlite in ${data}/stores`),
    fromFile(
      "publish.batch",
      config.publish?.batch && JSON.stringify(config.publish.batch),
      NOT_SET,
    ),
    fromFile("http", config.http === false ? "off" : undefined, "on"),
    fromFile("http.port", http?.port, `${DOOR_PORT}, or any free one`),
    token(),
    ...doorRows("kafka", config.kafka, fromFile),
    ...doorRows("amqp", config.amqp, fromFile),
    fromFile("signIn", config.signIn && "set", NOT_SET),
    fromFile("rules", config.rules?.length, 0),
    fromFile("contracts", config.contracts && loaded?.contracts, loaded?.contracts ?? NOT_SET),
    fromFile("log.level", log?.level, "info"),
    fromFile("log.format", log?.format, "text on a terminal, json elsewhere"),
    fromFile("stopMs", config.stopMs, STOP_MS_DEFAULT),
  ];
}

type FromFile = (
  key: string,
  value: string | number | undefined,
  otherwise: string | number,
) => Setting;

/** A key may be PEM text, so of TLS is told only whether there is any. */
function doorRows(
  key: DoorProtocol,
  settings: (KafkaDoorSettings & AmqpDoorSettings) | false | undefined,
  fromFile: FromFile,
): readonly Setting[] {
  if (settings === undefined) return [fromFile(key, undefined, "(the broker's)")];
  if (settings === false) return [fromFile(key, "off", "")];
  const { port, host, tls, advertised, autoCreate } = settings;
  const told = advertised && `${advertised.host}:${advertised.port ?? port}`;
  return [
    fromFile(`${key}.port`, port, ""),
    fromFile(`${key}.host`, host, "127.0.0.1"),
    fromFile(`${key}.tls`, tls && "set", NOT_SET),
    fromFile(`${key}.advertised`, told, "where it listens"),
    fromFile(`${key}.autoCreate`, autoCreate?.toString(), "true"),
    ...(key === "kafka"
      ? [fromFile("kafka.partitions", settings.partitions, 1)]
      : [
          fromFile("amqp.expired", settings.expired, "dead-letter"),
          fromFile("amqp.undeliverableMs", settings.undeliverableMs, 10_000),
        ]),
  ];
}

function namesOf(services: Config["services"] | undefined): string | undefined {
  return services?.map(({ name }) => name).join(", ");
}

/** What a factory tells of itself; its options may hold secrets and are not looked at. */
function factoryText({ adapter, directory }: BrokerFactory): string {
  return directory === undefined ? adapter : `${adapter} in ${directory}`;
}
