/**
 * Strangers' clients against `millrace start`: `npm run clients -- [all|NAME…] [--built] [--list]`.
 * `--built` runs the packed package, installed from its archive, instead of the sources.
 * `--kafka HOST:PORT` tries the cases themselves on another broker.
 * A name is a client's (`kafkajs`) or a case's beginning (`"kafkajs group"`).
 */

import { parseArgs } from "node:util";
import { CASES } from "../test/clients/cases/index.ts";
import { runClients } from "../test/clients/suite.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    built: { type: "boolean", default: false },
    kafka: { type: "string" },
    list: { type: "boolean", default: false },
  },
});
const names = positionals.filter((name) => name !== "all");
const isMeant = (given: string, name: string): boolean =>
  name === given || name.startsWith(`${given} `);
const unknown = names.filter((given) => !CASES.some(({ name }) => isMeant(given, name)));
const chosen =
  names.length === 0
    ? CASES
    : CASES.filter(({ name }) => names.some((given) => isMeant(given, name)));

if (unknown.length > 0) {
  const clients = new Set(CASES.map(({ name }) => name.split(" ")[0]));
  console.error(`no client is called ${unknown.join(", ")}; there are ${[...clients].join(", ")}`);
  process.exitCode = 2;
} else if (values.list) {
  for (const { name } of chosen) console.log(name);
} else {
  const print = (line: string): void => console.log(line);
  const { passed, failed } = await runClients(chosen, {
    built: values.built,
    kafka: values.kafka,
    print,
  });
  print(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}
