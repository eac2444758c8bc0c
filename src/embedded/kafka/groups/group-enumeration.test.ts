/** All that two or three clients can do to a group in so many steps, and much of what they can in more. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { GroupWorld, type ClientKind, type Move } from "./group-world.test.ts";

const MODERN = { instanceId: null, fetchesMemberId: true, maySkipAssignment: true };
const OLD = { instanceId: null, fetchesMemberId: false, maySkipAssignment: false };
const STATIC = { instanceId: "s", fetchesMemberId: true, maySkipAssignment: true };
const OLD_STATIC = { instanceId: "t", fetchesMemberId: true, maySkipAssignment: false };

const FLEETS: Readonly<Record<string, { kinds: readonly ClientKind[]; depth: number }>> = {
  "two newcomers": { kinds: [MODERN, OLD], depth: 8 },
  "a static member and a newcomer": { kinds: [STATIC, MODERN], depth: 8 },
  "two static members": { kinds: [STATIC, OLD_STATIC], depth: 8 },
  "three of all kinds": { kinds: [STATIC, MODERN, OLD], depth: 6 },
};

const STATES_MAX = 12_000;

function replay(kinds: readonly ClientKind[], moves: readonly Move[]): GroupWorld {
  const world = new GroupWorld(kinds);
  for (const move of moves) world.take(move);
  return world;
}

const shown = (moves: readonly Move[]): string =>
  moves.map(({ client, step }) => (client === undefined ? step : `${step} ${client}`)).join(", ");

for (const [fleet, { kinds, depth }] of Object.entries(FLEETS)) {
  test(`a group of ${fleet} keeps its promises, whatever they do in ${depth} steps`, () => {
    const seen = new Set<string>();
    const phases = new Set<string>();
    let frontier: readonly (readonly Move[])[] = [[]];
    let steps = 0;
    let reached = 0;
    while (frontier.length > 0 && reached < depth && seen.size < STATES_MAX) {
      const next: (readonly Move[])[] = [];
      for (const path of frontier) {
        for (const move of replay(kinds, path).moves()) {
          const moves = [...path, move];
          steps++;
          try {
            const world = replay(kinds, moves);
            phases.add(world.stage.machine.phase);
            const fingerprint = world.fingerprint();
            if (!seen.has(fingerprint)) next.push(moves);
            seen.add(fingerprint);
            world.comeToRest();
          } catch (error) {
            assert.fail(`${shown(moves)}: ${String(error)}`);
          }
        }
      }
      frontier = next;
      reached++;
    }
    assert.equal(phases.size, 4, "every phase was seen");
    assert.ok(seen.size > 500);
    console.log(`groups, ${fleet}: ${steps} steps to ${seen.size} states, ${reached} deep`);
  });
}

/** A small generator, so that a seed names a run. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("three clients keep a group's promises through long random lives", () => {
  const runs = 200;
  const length = 120;
  const generations: number[] = [];
  for (let seed = 1; seed <= runs; seed++) {
    const random = createRandom(seed);
    const world = new GroupWorld([STATIC, random(2) === 0 ? MODERN : OLD_STATIC, OLD]);
    const moves: Move[] = [];
    try {
      while (moves.length < length) {
        const possible = world.moves();
        const move = possible[random(possible.length)]!;
        // Time passes seldom, or everybody would always be late.
        if (move.step === "wait" && random(3) > 0) continue;
        if ((move.step === "die" || move.step === "leave") && random(4) > 0) continue;
        moves.push(move);
        world.take(move);
      }
      generations.push(world.stage.machine.generation);
      world.comeToRest();
    } catch (error) {
      assert.fail(`seed ${seed} after ${moves.length} steps (${shown(moves)}): ${String(error)}`);
    }
  }
  const most = Math.max(...generations);
  assert.ok(most > 10, "groups went through many generations");
  console.log(`groups, random: ${runs} lives of ${length} steps, up to ${most} generations`);
});
