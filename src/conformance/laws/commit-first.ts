/** Law 1: acknowledge after commit. An inbox that is down pauses fetching; it never drops. */

import assert from "node:assert/strict";
import { MillraceError } from "../../model/errors.ts";
import type { Store } from "../../store/store.ts";
import type { Law, Ports } from "../law-case.ts";
import {
  Counted,
  counts,
  items,
  queueKeeper,
  sortedTrailsOf,
  streamKeeper,
  trailsFor,
  trailsOf,
  Work,
  work,
} from "./declarations.ts";
import { countingReads, openStage, overlay, pausedOf, type LawStage } from "./stage.ts";

/** A store whose commits wait, or fail, until they are let through. */
interface HeldCommits {
  readonly wrap: (ports: Ports) => Ports;
  readonly asked: () => number;
  readonly release: () => void;
}

function holdingCommits(how: "wait" | "fail"): HeldCommits {
  const gate = Promise.withResolvers<void>();
  let open = false;
  let asked = 0;
  const held = (store: Store): Store["apply"] => {
    return async (batch) => {
      asked++;
      if (!open && how === "fail") {
        throw new MillraceError("STORE_FAILED", "the inbox is down", { retryable: true });
      }
      await gate.promise;
      return store.apply(batch);
    };
  };
  return {
    wrap: ({ broker, store }) => ({ broker, store: overlay(store, { apply: held(store) }) }),
    asked: () => asked,
    release: () => {
      open = true;
      gate.resolve();
    },
  };
}

async function committedOffsets({ broker, until }: LawStage): Promise<number> {
  const { positions } = await until(broker.streams!.describeGroup("laws.keeper"));
  return positions.reduce((sum, { committed = 0 }) => sum + committed, 0);
}

/** Enough of them that no trail grows long. */
const KEYS = Array.from({ length: 1000 }, (_, index) => `k${index}`);

export const commitFirst: Law = {
  topic: "law 1",
  cases: [
    {
      title: "a stream's offset moves after the commit of its messages, never before",
      run: async (context) => {
        const held = holdingCommits("wait");
        await using stage = await openStage(context, streamKeeper(counts), { wrap: held.wrap });
        await stage.publish(items(6).map(Counted));
        await stage.eventually("a commit is asked for", () => held.asked() > 0);
        await context.time.pass(5000);
        assert.equal(await committedOffsets(stage), 0);
        held.release();
        await stage.settled();
        assert.deepEqual(await trailsOf(stage), trailsFor(items(6)));
        await stage.eventually(
          "the group follows the store",
          async () => (await committedOffsets(stage)) === 6,
        );
      },
    },
    {
      title: "a lease is accepted after the commit of its message, never before",
      needs: ["queues", "deadLetters", "delay"],
      run: async (context) => {
        const held = holdingCommits("wait");
        await using stage = await openStage(context, queueKeeper(work), { wrap: held.wrap });
        await stage.publish(items(6).map(Work));
        await stage.eventually("a commit is asked for", () => held.asked() > 0);
        await context.time.pass(5000);
        const queues = stage.broker.queues!;
        const before = await stage.until(queues.describeQueue("work"));
        assert.equal(before.leased + before.waiting, 6);
        held.release();
        await stage.settled();
        assert.deepEqual(await trailsOf(stage), trailsFor(items(6)));
        const { leased, waiting, deadLetters } = await stage.until(queues.describeQueue("work"));
        assert.deepEqual([leased, waiting, deadLetters], [0, 0, 0]);
      },
    },
    {
      title: "what was not committed before a restart comes again, and takes effect once",
      needs: ["restart", "queues", "deadLetters", "delay"],
      run: async (context) => {
        const sources = [
          [streamKeeper(counts), items(6).map(Counted)],
          [queueKeeper(work), items(6).map(Work)],
        ] as const;
        for (const [part, drafts] of sources) {
          const held = holdingCommits("fail");
          const before = await openStage(context, part, { wrap: held.wrap });
          await before.publish(drafts);
          await before.eventually("a commit is asked for", () => held.asked() > 0);
          await before.close({ deadlineMs: 100 });
          await context.restart();
          assert.ok(held.asked() > 0);
        }
        for (const [index, [part]] of sources.entries()) {
          await using after = await openStage(context, part);
          await after.settled();
          // The trails are one for both sources, and a queue keeps no order across tries.
          const all = index === 0 ? items(6) : [...items(6), ...items(6)];
          const sorted = all.toSorted((one, other) => one.n - other.n);
          assert.deepEqual(await sortedTrailsOf(after), trailsFor(sorted));
        }
      },
    },
    {
      title: "while the inbox takes no commits the fetch pauses, and nothing is dropped",
      run: async (context) => {
        const held = holdingCommits("fail");
        let fetched = 0;
        const count = countingReads((more) => (fetched += more));
        await using stage = await openStage(context, streamKeeper(counts), {
          wrap: (ports) => count(held.wrap(ports)),
        });
        const all = items(10_000, KEYS);
        for (let at = 0; at < all.length; at += 5000) {
          await stage.publish(all.slice(at, at + 5000).map(Counted));
        }
        await context.time.pass(60_000);
        const status = await stage.status();
        assert.equal(status.state, "paused");
        assert.match(pausedOf(status), /the inbox is down/);
        assert.ok(fetched > 0 && fetched < all.length, `${fetched} of ${all.length} were fetched`);
        assert.deepEqual(await stage.until(stage.running.listParked("keeper")), []);
        context.note(`${fetched} of ${all.length} were fetched while nothing could be committed`);
        held.release();
        await stage.settled();
        assert.deepEqual(await trailsOf(stage, KEYS), trailsFor(all));
        assert.equal(fetched, all.length);
      },
    },
  ],
};
