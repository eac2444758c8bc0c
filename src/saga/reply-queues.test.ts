import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { refuseContradictions } from "../service/refusal.ts";
import { service } from "../service/service.ts";
import { saga, type Saga } from "./saga.ts";

const key = { key: ({ id }: { readonly id: string }) => id };
const data = z.object({ id: z.string() });
const Happened = event("happened", data, key);
const Do = command("do", data, key);
const news = stream("news", { Happened });
const desk = queue("desk", { Do });
const follow = (name: string): Saga =>
  saga(name, { from: news, sends: desk, initial: {} })
    .evolve({})
    .react({ Happened: (e) => Do(e) });

test("sagas of one service and of several wait for answers, each at its own queue", () => {
  const channels = refuseContradictions([
    service("one", { a: follow("a"), b: follow("b") }),
    service("two", { a: follow("a") }),
  ]);
  const queues = channels.filter(({ kind }) => kind === "queue").map(({ name }) => name);
  assert.deepEqual(queues.toSorted(), ["desk", "one.a.replies", "one.b.replies", "two.a.replies"]);
});
