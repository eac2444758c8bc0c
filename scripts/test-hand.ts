/**
 * Runs the test files of one hand in this process: `node scripts/test-hand.ts FILE...`.
 *
 * As `node --test --test-isolation=none FILE...`, but without the hook by which the runner follows
 * every promise, to say which test an error came from that nobody caught. It took nearly half of the
 * time of tests that await much (two million awaits: 3.6 seconds with it, 0.3 without). Such an error
 * still fails the run and is printed; which test it came from is told by `node --test` on that file.
 */

import { createHook, type AsyncHook } from "node:async_hooks";
import { resolve } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";

/** No test takes this long on a slow machine; one that waits for ever must say which it is. */
const TIMEOUT_MS = 90_000;

/** The hook that is enabled next stays off: it is the runner's own. */
function leaveOutNextHook(): void {
  const prototype: Pick<AsyncHook, "enable"> = Object.getPrototypeOf(createHook({}));
  const { enable } = prototype;
  prototype.enable = function leftOut(this: AsyncHook) {
    prototype.enable = enable;
    return this;
  };
}

leaveOutNextHook();
const files = process.argv.slice(2).map((file) => resolve(file));
run({ files, isolation: "none", timeout: TIMEOUT_MS })
  .on("test:fail", () => {
    process.exitCode = 1;
  })
  .compose(new spec())
  .pipe(process.stdout);
