/**
 * Measures how long `tsc` takes over the programs of a large team, as a user's own project would have
 * them, and fails where one takes its limit or more:
 *
 * - the contract: 300 event types in 30 streams;
 * - with services over it: 60 deciders that have five events each, commands with refusals, folds,
 *   decisions and a public stream, and a saga with a timer and a step for each.
 *
 * They see Millrace as its users do, as declarations, which are made first and are not in the time.
 * Everything is generated inside the repository, because packages are found from there, into
 * `.millrace/`, which git ignores.
 */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const TYPES = 300;
const TYPES_PER_STREAM = 10;
const DECIDERS = 60;
const EVENTS_PER_DECIDER = TYPES / DECIDERS;
const CONTRACT_SECONDS_MAX = 5;
const SERVICES_SECONDS_MAX = 10;

/**
 * Runs its arguments and tells their processor time, which bounds what a machine with a free core takes
 * and does not grow when others use the machine too.
 */
const TIMED = '"$0" "$@" >&2 || exit 1; times';

const root = resolve(import.meta.dirname, "..");
mkdirSync(join(root, ".millrace"), { recursive: true });
const folder = mkdtempSync(join(root, ".millrace", "types-"));
const tsc = join(root, "node_modules", ".bin", "tsc");
try {
  execFileSync(
    tsc,
    ["-p", "tsconfig.build.json", "--emitDeclarationOnly", "--outDir", join(folder, "built")],
    { cwd: root, stdio: "inherit" },
  );
  writeFileSync(join(folder, "contract.ts"), contract());
  check(`${TYPES} event types`, "contract.ts", CONTRACT_SECONDS_MAX);
  for (let of = 0; of < DECIDERS; of++) writeFileSync(join(folder, `service${of}.ts`), service(of));
  const what = `${TYPES} event types, ${DECIDERS} deciders and as many sagas`;
  check(what, "*.ts", SERVICES_SECONDS_MAX);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function check(what: string, files: string, secondsMax: number): void {
  const configuration = {
    extends: "../../tsconfig.json",
    compilerOptions: {
      customConditions: [],
      paths: {
        millrace: ["./built/index.d.ts"],
        "millrace/contract": ["./built/schema/contract.d.ts"],
        "millrace/memory": ["./built/memory/memory.d.ts"],
      },
    },
    include: [files],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(configuration));
  const startedMs = performance.now();
  const said = execFileSync("sh", ["-c", TIMED, tsc, "--noEmit", "-p", folder], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const elapsed = ((performance.now() - startedMs) / 1000).toFixed(1);
  const seconds = childSeconds(said);
  console.log(
    `${what} type-check in ${seconds.toFixed(2)} s of processor time (at most ${secondsMax}), ${elapsed} s on this machine now`,
  );
  if (seconds >= secondsMax) process.exitCode = 1;
}

/** Of all the processes that a shell has run, from the last line of its `times`. */
function childSeconds(said: string): number {
  const [, user, system] = /([\dm.]+)s ([\dm.]+)s\s*$/.exec(said) ?? [];
  if (user === undefined || system === undefined) throw new Error(said);
  const secondsOf = (text: string): number =>
    text.split("m").reduce((sum, part) => sum * 60 + Number(part), 0);
  return secondsOf(user) + secondsOf(system);
}

function contract(): string {
  const lines = [
    'import { z } from "zod";',
    'import { event, stream, type DraftOf } from "millrace/contract";',
    "const entity = z.object({ id: z.string(), at: z.iso.datetime() });",
  ];
  for (let type = 0; type < TYPES; type++) {
    lines.push(
      `export const Event${type} = event("event.${type}", entity.extend({`,
      `  name${type}: z.string(), total: z.number(), state: z.enum(["open", "closed", "s${type}"]),`,
      "  lines: z.array(z.object({ sku: z.string(), count: z.int(), note: z.string().optional() })),",
      "}), { key: (e) => e.id, version: 2, upcast: { 1: (old) => ({ ...old, total: 0 }) } });",
      `export const draft${type}: DraftOf<typeof Event${type}> = Event${type}({`,
      `  id: "1", at: "2026-01-01T00:00:00Z", name${type}: "n", total: 1, state: "s${type}", lines: [],`,
      "});",
    );
  }
  for (let first = 0; first < TYPES; first += TYPES_PER_STREAM) {
    const names = Array.from({ length: TYPES_PER_STREAM }, (_, at) => `Event${first + at}`);
    lines.push(`export const stream${first} = stream("stream-${first}", { ${names.join(", ")} });`);
  }
  lines.push("// @ts-expect-error the generated types are really checked", "Event0({ id: 1 });");
  return `${lines.join("\n")}\n`;
}

/** A decider of five events, each with its command; a view of them; and a saga that drives it. */
function service(of: number): string {
  const numbers = Array.from(
    { length: EVENTS_PER_DECIDER },
    (_, at) => of * EVENTS_PER_DECIDER + at,
  );
  const events = numbers.map((number) => `Event${number}`);
  const stream = `stream${numbers[0]! - (numbers[0]! % TYPES_PER_STREAM)}`;
  const commands = numbers.map((number) => `Command${number}`);
  const each = (line: (number: number) => string): string => numbers.map(line).join("\n");
  return `
import { z } from "zod";
import {
  after, command, decider, end, openApp, queue, reject, saga, service, step, timer, view,
} from "millrace";
import { memoryBroker, memoryStore } from "millrace/memory";
import { ${events.join(", ")}, ${stream} } from "./contract.ts";

const order = z.object({ id: z.string(), at: z.iso.datetime(), total: z.number() });
${each(
  (number) => `const Command${number} = command("command.${number}", order, {
  key: (c) => c.id,
  refuses: ["closed", "never-${number}"],
});`,
)}
const desk = queue("desk-${of}", { ${commands.join(", ")} });
const Due = timer("due.${of}", z.object({ id: z.string() }));
const fresh: { status: "new" | "open" | "closed"; total: number; names: readonly string[] } = {
  status: "new", total: 0, names: [],
};

export const decider${of} = decider("decider-${of}", {
  commands: desk,
  events: { ${events.join(", ")} },
  publishes: ${stream},
  initial: fresh,
})
  .evolve({
${each(
  (number) => `    Event${number}: (s, e, { time }) => ({
      ...s, status: "open", total: s.total + e.total + time, names: [...s.names, e.name${number}],
    }),`,
)}
  })
  .decide({
${each(
  (number) => `    Command${number}: (c, s, { now, actor }) =>
      s.status === "closed"
        ? reject("never-${number}")
        : Event${number}({ ...c, name${number}: actor ?? String(now), state: "s${number}", lines: [] }),`,
)}
  });

export const view${of} = view("view-${of}", {
  from: decider${of},
  initial: { total: 0, state: "", placedAt: 0 },
  index: ["state"],
}).evolve({
${each(
  (number) => `  Event${number}: (s, e, { time }) => ({ ...s, state: e.state, placedAt: time }),`,
)}
});

export const saga${of} = saga("saga-${of}", {
  from: ${stream},
  timers: { Due },
  sends: desk,
  initial: { paid: false },
})
  .evolve({ ${events[0]}: (s, e) => ({ paid: s.paid || e.total > 0 }) })
  .react({
    ${events[1]}: (e) => [
      after("30m", Due({ id: e.id })),
      step(${commands[0]}({ ...e, total: 1 }), { undo: ${commands[1]}(e), deadline: "5m" }),
    ],
    Due: (e, s) => (s.paid ? [] : ${commands[2]}({ id: e.id, at: "", total: 0 })),
  })
  .answers({ ${commands[0]}: (answer) => (answer.ok ? end() : []) });

const app = await openApp({
  services: [service("service-${of}", { decider${of}, view${of}, saga${of} })],
  broker: memoryBroker(),
  store: memoryStore(),
});
const answer = await app.ask(${commands[0]}({ id: "1", at: "", total: 1 }));
if (!answer.ok) answer.refusal.code satisfies "closed" | "never-${numbers[0]}";
export const found${of}: number | undefined = (await app.get(view${of}, "1"))?.total;
// @ts-expect-error the generated services are really checked
await app.ask(${commands[0]}({ id: 1 }));
`;
}
