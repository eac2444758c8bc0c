/**
 * A view that is read, built anew, swapped and dropped while entries come in; each life runs code of
 * a version by chance, newer or older than the one before.
 */

import { delay } from "../../../src/model/clock.ts";
import { isMillraceError } from "../../../src/model/errors.ts";
import type { ChildContext, Driver } from "../driver.ts";
import { startSenders } from "../drivers/keyed-sequences.ts";
import { COMPONENT, runTallies, type RunningTallies } from "./run-tallies.ts";
import { Entered, VERSIONS, VIEW } from "./tallies.ts";
import { PREFIX, ViewRecord } from "./view-record.ts";

const SEND_PAUSE_MS = 5;
const ACT_PAUSE_MS = 10;
const READ_TOKEN = 0.05;
/** What may be refused at a moment of chance, and is right to be. */
const REFUSALS = ["CONFLICT", "NOT_ALLOWED", "BAD_ARGUMENT", "VIEW_BUILDING"] as const;

export const viewDriver: Driver = {
  name: COMPONENT,
  start: async (context) => {
    const { tell, resume, random, environment } = context;
    const version = 1 + Math.floor(random.next() * VERSIONS);
    tell("version", version);
    const running = await runTallies(context, version, (shown) =>
      tell("found", JSON.stringify(shown)),
    );
    const { app } = running;
    return () => {
      startSenders({
        tell,
        resume,
        prefix: PREFIX,
        callsInFlight: 1,
        acknowledgeFirst: false,
        send: async (messages) => {
          await delay(environment.clock, SEND_PAUSE_MS);
          await Promise.all(
            messages.map(async ({ key: account, sequence: nth }) => {
              const id = `${account}:${nth}`;
              const { token = "" } = await app.publish(Entered({ account, nth }), { id });
              if (random.next() < READ_TOKEN) {
                readBack(context, running, { account, nth, token }).catch((error: unknown) =>
                  tell("error", String(error)),
                );
              }
            }),
          );
        },
      });
      act(context, running).catch((error: unknown) => tell("error", String(error)));
    };
  },
  createRecord: () => new ViewRecord(),
};

async function readBack(
  { tell }: ChildContext,
  { app, tallies }: RunningTallies,
  entry: { readonly account: string; readonly nth: number; readonly token: string },
): Promise<void> {
  const { account, nth, token: notBefore } = entry;
  try {
    const seen = await app.get(tallies, account, { notBefore, deadline: "60s" });
    tell("seen", account, nth, seen?.next ?? 0);
  } catch (error) {
    if (!isMillraceError(error, "VIEW_BUILDING")) throw error;
    tell("refused", "VIEW_BUILDING");
  }
}

/** Reads, and in between does what a person might. */
async function act(
  { tell, random, environment }: ChildContext,
  { app, tallies }: RunningTallies,
): Promise<void> {
  const [service] = app.services;
  for (;;) {
    await delay(environment.clock, ACT_PAUSE_MS);
    try {
      const [view] = await service!.listViews();
      const { generations } = view!;
      const live = generations.find(({ state }) => state === "live");
      const building = generations.filter(({ state }) => state !== "live" && state !== "old");
      const { documents } = await app.find(tallies, { limit: 1000 });
      const pairs = documents.map(({ id, data }) => [id, data]);
      const facts = { generation: live?.generation, building: building.length, documents: pairs };
      tell("read", JSON.stringify(facts));
      const chance = random.next();
      if (chance < 0.3) {
        tell("try", "rebuild");
        await service!.rebuildView(VIEW);
        tell("ack", "rebuild");
      } else if (chance < 0.5) {
        const old = generations.find(({ state }) => state === "old");
        if (old === undefined) continue;
        tell("try", "drop");
        await service!.dropView(VIEW, old.generation);
        tell("ack", "drop");
      } else if (chance < 0.6) {
        const other = generations[Math.floor(random.next() * generations.length)]!;
        tell("try", "swap");
        await service!.swapView(VIEW, other.generation);
        tell("ack", "swap");
      }
    } catch (error) {
      const code = REFUSALS.find((each) => isMillraceError(error, each));
      if (code === undefined) throw error;
      tell("refused", code);
    }
  }
}
