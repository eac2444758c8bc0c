/**
 * The shape of a conformance case, tied to no test runner.
 *
 * A case states one behaviour of a port and takes everything it touches from its context, so the same
 * case runs on every broker or store, ours or a stranger's. What a subject cannot do it names as
 * missing; a case that needs it is skipped and the reason is printed. A suite of which nothing ran is
 * a failure, and so is a comparison of nothing with nothing.
 */

import assert from "node:assert/strict";

/** Takes one line for the report of the running case. */
export type Note = (text: string) => void;

export interface ConformanceCase<Context, Need extends string = string> {
  /** States the behaviour: "an accepted message is gone". */
  readonly title: string;
  /** Capabilities of the subject, or faults of its caller, without which the case says nothing. */
  readonly needs?: readonly Need[];
  readonly run: (context: Context) => Promise<void>;
}

export interface Topic<Context, Need extends string = string> {
  readonly topic: string;
  readonly cases: readonly ConformanceCase<Context, Need>[];
}

/** One implementation under test, as its caller sets it up. */
export interface Subject<Context, Need extends string = string> {
  /** Stands before every title: `embedded`. */
  readonly name: string;
  /** Why it cannot serve a case with this need; undefined where it can. */
  readonly missing: (need: Need) => string | undefined;
  /** Makes a fresh context for one case, which is disposed of when the case ended, however it ended. */
  readonly prepare: (note: Note) => Promise<Prepared<Context>>;
}

export interface Prepared<Context> extends AsyncDisposable {
  readonly context: Context;
}

/** How a runner takes one case. With `skip` it must print the title and the reason, and run nothing. */
export type TestFunction = (
  title: string,
  run: (note: Note) => Promise<void>,
  options: { readonly skip?: string },
) => unknown;

/** Registers every case of the topics with the runner, and a last test that some of them ran. */
export function runTopics<Context, Need extends string>(
  test: TestFunction,
  subject: Subject<Context, Need>,
  topics: readonly Topic<Context, Need>[],
): void {
  let passed = 0;
  let registered = 0;
  for (const { topic, cases } of topics) {
    for (const { title, needs = [], run } of cases) {
      const reasons = needs.map(subject.missing).filter((reason) => reason !== undefined);
      const skip = reasons.length === 0 ? {} : { skip: [...new Set(reasons)].join("; ") };
      registered++;
      test(
        `${subject.name}: ${topic}: ${title}`,
        async (note) => {
          await using prepared = await subject.prepare(note);
          await run(prepared.context);
          passed++;
        },
        skip,
      );
    }
  }
  test(
    `${subject.name}: some of the ${registered} cases ran`,
    (note) => {
      note(`${passed} of ${registered} cases ran and passed`);
      assert.ok(passed > 0, `none of ${registered} cases passed on ${subject.name}`);
      return Promise.resolve();
    },
    {},
  );
}

/** Demands equal lists of more than nothing, and notes how many items were compared. */
export function compareLists<Item>(
  note: Note,
  what: string,
  actual: readonly Item[],
  expected: readonly Item[],
): void {
  assert.ok(expected.length > 0, `${what}: the case expects nothing, so it proves nothing`);
  assert.deepStrictEqual([...actual], [...expected], what);
  note(`${what}: ${expected.length} compared, all equal`);
}
