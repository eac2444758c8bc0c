import assert from "node:assert/strict";
import { test } from "node:test";
import type { Principal, SignIn } from "../../broker/sign-in.ts";
import { createTestEnvironment } from "../../testing/environment.ts";
import { Doorkeeper } from "./doorkeeper.ts";

const ANN: Principal = { name: "ann" };

/** A hook that knows one password, and counts what it is asked. */
function createKeeper() {
  const environment = createTestEnvironment();
  const seen = { asked: 0, underWay: 0, most: 0 };
  const signIn: SignIn = async ({ password }) => {
    seen.asked++;
    seen.most = Math.max(seen.most, ++seen.underWay);
    await environment.clock.settle();
    seen.underWay--;
    return password === "right" ? ANN : undefined;
  };
  const keeper = new Doorkeeper({ signIn }, environment);
  const { signal } = new AbortController();
  const tryIn = (password: string, address: string): Promise<Principal | undefined> =>
    keeper.password(password, { door: "kafka", address, user: "ann", signal });
  return { seen, tryIn, clock: environment.clock };
}

test("guesses that come at once are checked a few at a time, and sixteen of them at most", async () => {
  const { seen, tryIn, clock } = createKeeper();
  const guesses = Array.from({ length: 200 }, (_, at) => tryIn(`guess ${at}`, "10.0.0.1"));
  const others = Array.from({ length: 3 }, (_, at) => tryIn("right", `10.0.1.${at}`));
  assert.deepEqual(await Promise.all(others), [ANN, ANN, ANN]);
  await clock.advance(60_000);
  const found = await Promise.all(guesses);
  assert.deepEqual(new Set(found), new Set([undefined]));
  assert.ok(seen.asked >= 16 + 3, `${seen.asked} asked`);
  // Those that were being checked when the sixteenth failed were asked, too.
  assert.ok(seen.asked <= 16 + 4 + 3, `${seen.asked} asked`);
  assert.ok(seen.most <= 4 + 3, `${seen.most} at once`);
});

test("many who know the password come in at once from one address, and none is refused", async () => {
  const { seen, tryIn } = createKeeper();
  const all = Array.from({ length: 100 }, () => tryIn("right", "10.0.0.1"));
  assert.deepEqual(new Set(await Promise.all(all)), new Set([ANN]));
  assert.deepEqual([seen.asked, seen.most], [100, 4]);
});

test("one who has gone while he waited in line is not checked", async () => {
  const { seen, tryIn } = createKeeper();
  const environment = createTestEnvironment();
  const gone = AbortSignal.abort();
  const keeper = new Doorkeeper({ signIn: async () => ANN }, environment);
  const attempt = { door: "kafka", address: "10.0.0.1", user: "ann", signal: gone } as const;
  assert.equal(await keeper.password("right", attempt), undefined);
  assert.equal(await tryIn("right", "10.0.0.1"), ANN);
  assert.equal(seen.asked, 1);
});
