/** `millrace start`: the broker and its doors, without services, until a signal stops them. */

import { openBrokers } from "../../../host/brokers.ts";
import { prepareDoor } from "../../../host/door.ts";
import type { ExitCode } from "../../../model/errors.ts";
import type { CommandContext } from "../../context.ts";
import { loadProject } from "../../project.ts";
import { brokersOf } from "../../project-broker.ts";
import {
  announce,
  brokerDoors,
  checkContract,
  doorSettings,
  environmentOf,
  untilStopped,
  type StartOptions,
} from "./serving.ts";

/**
 * The configuration only tells what is declared.
 *
 * A start is told when all ports take connections. What answers behind them is twice the code of the
 * broker and is loaded then: whoever connects at once waits for it, and nobody else does. A
 * configuration may hold what the HTTP door refuses, so with one the door answers first.
 */
export async function start(context: CommandContext, options: StartOptions): Promise<ExitCode> {
  const project = await loadProject(context.folder, options);
  const { loaded } = project;
  const environment = environmentOf(context, project, options);
  await checkContract(context, project, options);
  await using opened = new AsyncDisposableStack();
  const access = brokerDoors(project, options);
  const brokers = opened.use(await openBrokers({ ...brokersOf(project), ...access }, environment));
  const { directory } = brokers;
  /** What the door shows; closed after it. */
  const shown = opened.use(new AsyncDisposableStack());
  const settings = doorSettings(project, options);
  const door = opened.use(await prepareDoor({ environment, settings, access, directory }));
  const answer = async (): Promise<void> => {
    const { openBrokerView } = await import("./broker-view.ts");
    const services = loaded?.config.services ?? [];
    await door.serve(shown.use(await openBrokerView(services, brokers, environment)));
  };
  if (loaded !== undefined) await answer();
  await announce(context, door, brokers.addresses);
  if (loaded === undefined) await answer();
  return await untilStopped(context, options);
}
