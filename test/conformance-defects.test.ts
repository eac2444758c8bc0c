import assert from "node:assert/strict";
import { test } from "node:test";
import { runBrokerConformance } from "../src/conformance/broker-conformance.ts";
import { memoryBroker } from "../src/memory/broker.ts";
import { type Defect, DEFECTS, spoil } from "./conformance/defects.ts";
import { openPlace } from "./conformance/places.ts";
import { PlainRunner, type RunResult } from "./conformance/plain-runner.ts";

/** A defect may make a case wait for ever. The sound cases take a few milliseconds. */
const TIME_LIMIT_MS = 1_000;

async function runOn(defect: Defect): Promise<RunResult & { readonly lines: readonly string[] }> {
  const lines: string[] = [];
  const print = (line: string): void => void lines.push(line);
  const runner = new PlainRunner({ print, only: defect.caughtBy, timeLimitMs: TIME_LIMIT_MS });
  await runBrokerConformance({
    test: runner.test,
    name: "spoiled",
    open: () => {
      const sound = memoryBroker();
      const open: typeof sound.open = async (env) => spoil(await sound.open(env), defect);
      return openPlace({ adapter: sound.adapter, open }, ["restart"]);
    },
  });
  return { ...(await runner.run()), lines };
}

for (const defect of DEFECTS) {
  test(`the suite notices a broker that ${defect.does}`, async () => {
    const { passed, failed, skipped, lines } = await runOn(defect);
    assert.deepEqual([passed, failed, skipped], [0, 1, 0], lines.join("\n"));
  });
}

test("the same set-up without a defect passes", async () => {
  const { passed, failed, lines } = await runOn({ does: "nothing wrong", caughtBy: "spoiled" });
  assert.equal(failed, 0, lines.join("\n"));
  assert.ok(passed > 100, `only ${passed} cases ran`);
});
