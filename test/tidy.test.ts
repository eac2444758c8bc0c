/**
 * The house rules that are worth a failing build: who may import whom, what may touch the outside
 * world, how long files may be, and that time, randomness and ids are always passed in.
 *
 * `LAYERS` is the table of ARCHITECTURE.md as data. To add a room, add its row here and there.
 */

import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";

interface Layer {
  /** Rooms that it may import, beside itself. */
  readonly rooms: readonly string[];
  /** Packages and `node:` modules that it may import; `node:*` allows all of Node. */
  readonly outside: readonly string[];
  /** Packages of which it may import types only. */
  readonly types?: readonly string[];
}

const PORTS = ["model", "schema", "codecs", "broker", "store"];
const RUNTIMES = [...PORTS, "service", "sourcing", "saga"];

const LAYERS: Readonly<Record<string, Layer>> = {
  model: { rooms: [], outside: [] },
  schema: { rooms: ["model"], outside: [], types: ["@standard-schema/spec"] },
  codecs: { rooms: ["model"], outside: ["node:buffer", "node:zlib"] },
  broker: { rooms: ["model"], outside: [] },
  store: { rooms: ["model"], outside: [] },
  memory: { rooms: ["model", "broker", "store"], outside: [] },
  service: { rooms: PORTS, outside: [] },
  sourcing: { rooms: [...PORTS, "service"], outside: [] },
  saga: { rooms: [...PORTS, "service"], outside: [] },
  connectors: {
    rooms: ["model", "schema", "codecs", "service"],
    outside: [
      "node:buffer",
      "node:crypto",
      "node:dns/promises",
      "node:fs",
      "node:fs/promises",
      "node:http",
      "node:net",
      "node:path",
      "node:tls",
    ],
  },
  admin: { rooms: RUNTIMES, outside: [] },
  http: {
    rooms: [...RUNTIMES, "admin"],
    outside: ["hono", "@hono/node-server", "node:http", "node:net"],
  },
  host: {
    rooms: [...RUNTIMES, "connectors", "memory", "admin", "http"],
    outside: ["node:*", "pino", "@opentelemetry/api"],
  },
  index: { rooms: [...RUNTIMES, "host"], outside: [] },
  embedded: { rooms: ["model", "codecs", "broker"], outside: ["node:*", "rhea"] },
  "stores/sqlite": { rooms: ["model", "store"], outside: ["node:*"] },
  conformance: {
    rooms: [...RUNTIMES, "memory", "admin"],
    outside: ["node:assert", "node:assert/strict"],
  },
  testing: {
    rooms: [...RUNTIMES, "memory", "host"],
    outside: ["node:assert", "node:assert/strict"],
  },
  cli: {
    rooms: [...RUNTIMES, "memory", "admin", "http", "host", "embedded", "stores/sqlite"],
    outside: ["node:*", "commander"],
  },
};

/** Only these may do what the rest must be given: the disk, the real clock and ids. */
const DISK_ROOMS = /^src\/(embedded\/(log|doors)|stores|host|cli|connectors\/files)\//;
const REAL_WORLD = /^src\/host\/real-/;
const AMBIENT =
  /\b(Date\.now|Math\.random|setTimeout|setInterval|setImmediate|crypto\.randomUUID|performance\.now|process\.hrtime)\b|\bnew Date\(\)/;

const LINES_MAX = 400;
const FOLDER_FILES_MAX = 16;
/** Not written by hand, and not read from one end to the other: one file for each API of a protocol. */
const GENERATED = /\/generated\//;

const sources = globSync("src/**/*.ts").map(normalize).toSorted();
const shipped = sources.filter((path) => !path.endsWith(".test.ts"));

function roomOf(path: string): string {
  const [, first = "", second = ""] = path.split("/");
  if (first === "index.ts") return "index";
  return first === "stores" || first === "adapters" ? `${first}/${second}` : first;
}

function importsOf(path: string): { readonly from: string; readonly typeOnly: boolean }[] {
  const text = readFileSync(path, "utf8");
  const found = text.matchAll(
    /^\s*(?:import|export)\s+(type\s)?[^;"']*?from\s+["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)|^import\s+["']([^"']+)["']/gm,
  );
  return [...found].map(([, type, from, dynamic, bare]) => ({
    from: from ?? dynamic ?? bare ?? "",
    typeOnly: type !== undefined,
  }));
}

function violation(path: string, from: string, typeOnly: boolean): string | undefined {
  const room = roomOf(path);
  const layer = LAYERS[room];
  if (layer === undefined) return `${path}: the room "${room}" is not in the layer table`;
  if (from.startsWith(".")) {
    const target = roomOf(normalize(join(dirname(path), from)));
    if (target === room || layer.rooms.includes(target)) return undefined;
    return `${path}: ${room} may not import ${target} (${from})`;
  }
  const allowed =
    layer.outside.includes(from) ||
    (from.startsWith("node:") && layer.outside.includes("node:*")) ||
    layer.outside.some((name) => !name.startsWith("node:") && from.startsWith(`${name}/`)) ||
    (typeOnly && layer.types?.includes(from) === true);
  return allowed ? undefined : `${path}: ${room} may not import ${from}`;
}

test("every import follows the layer table", () => {
  const checked = shipped.flatMap((path) => importsOf(path).map((found) => ({ path, ...found })));
  const violations = checked.map(({ path, from, typeOnly }) => violation(path, from, typeOnly));
  assert.deepEqual(
    violations.filter((text) => text !== undefined),
    [],
  );
  assert.ok(checked.length > 100, `only ${checked.length} imports were checked`);
});

test("the rule finds a violation when there is one", () => {
  assert.match(
    violation("src/model/x.ts", "../service/part.ts", true) ?? "",
    /model may not import service/,
  );
  assert.match(violation("src/model/x.ts", "node:fs", false) ?? "", /may not import node:fs/);
  assert.match(
    violation("src/schema/x.ts", "@standard-schema/spec", false) ?? "",
    /may not import/,
  );
  assert.match(violation("src/attic/x.ts", "./y.ts", false) ?? "", /not in the layer table/);
  assert.equal(violation("src/service/x.ts", "../store/store.ts", true), undefined);
});

test("imports between files form no cycle", () => {
  const edges = new Map(
    shipped.map((path) => [
      path,
      importsOf(path)
        .filter(({ from, typeOnly }) => from.startsWith(".") && !typeOnly)
        .map(({ from }) => normalize(join(dirname(path), from))),
    ]),
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
      return;
    }
    if (done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of shipped) visit(path, []);
  assert.deepEqual(cycles, []);
});

test("time, randomness and ids are passed in", () => {
  const offenders = shipped
    .filter((path) => !REAL_WORLD.test(path))
    .filter((path) => AMBIENT.test(withoutComments(readFileSync(path, "utf8"))));
  assert.deepEqual(offenders, []);
});

test("only the rooms that own it touch the disk", () => {
  const offenders = shipped
    .filter((path) => !DISK_ROOMS.test(path))
    .filter((path) => importsOf(path).some(({ from }) => from.startsWith("node:fs")));
  assert.deepEqual(offenders, []);
});

test("files and folders stay of a size that can be read", () => {
  const beside = globSync("{test,bench,scripts,examples}/**/*.ts").map(normalize);
  const written = [...sources, ...beside].filter((path) => !GENERATED.test(path));
  assert.ok(beside.length > 100, `only ${beside.length} files beside the sources`);
  const long = written
    .map((path) => ({ path, lines: readFileSync(path, "utf8").split("\n").length }))
    .filter(({ path, lines }) => lines > LINES_MAX && !path.endsWith(".test.ts"));
  assert.deepEqual(long, []);
  const perFolder = Map.groupBy(
    written.filter((path) => !path.endsWith(".test.ts")),
    (path) => dirname(path),
  );
  const crowded = [...perFolder].filter(([, files]) => files.length > FOLDER_FILES_MAX);
  assert.deepEqual(
    crowded.map(([folder, files]) => `${folder}: ${files.length}`),
    [],
  );
});

test("ARCHITECTURE.md names every room", () => {
  const page = readFileSync("ARCHITECTURE.md", "utf8");
  const rooms = [...new Set(shipped.map(roomOf))].filter((room) => room !== "index");
  assert.deepEqual(
    rooms.filter((room) => !page.includes(`\`${room}\``)),
    [],
  );
  assert.ok(rooms.length > 5);
});

test("every file and folder that ARCHITECTURE.md sends its readers to is there", () => {
  const tree = globSync("{src,test,bench,scripts,docs,examples}/**/*", {
    exclude: ["**/golden/**"],
  });
  const paths = tree.map((path) => `/${normalize(path)}`);
  const named = [
    ...readFileSync("ARCHITECTURE.md", "utf8").matchAll(/`([\w./-]+(?:\.(?:ts|md)|\/))`/g),
  ];
  const missing = named
    .map(([, name]) => name!.replace(/\/$/, ""))
    .filter((name) => !existsSync(name) && !paths.some((path) => path.endsWith(`/${name}`)));
  assert.deepEqual(missing, []);
  assert.ok(named.length > 100, `only ${named.length} names were looked for`);
});

test("the text speaks of the project alone", () => {
  const pages = globSync(["**/*.{md,ts,json,yml}", ".ci/*"], {
    exclude: ["node_modules/**", "dist/**", "package-lock.json", "test/tidy.test.ts"],
  });
  const forbidden =
    /\b(TODO|FIXME|XXX|HACK)\b|\/(work|root)\/|registry\.npmjs|@(ts-ignore|ts-nocheck)/;
  const offenders = pages.filter((path) => forbidden.test(readFileSync(path, "utf8")));
  assert.deepEqual(offenders, []);
  assert.ok(pages.length > 50, `only ${pages.length} files were read`);
});

/** Good enough for our formatter's output: block comments and comments that begin a line. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}
