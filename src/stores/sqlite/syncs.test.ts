/**
 * Counts what reaches the disk. A library put before libc (it needs a C compiler and Linux) writes
 * one character for each write to the write-ahead log, `w`, and one after each sync, `s`. A child
 * commits, and at each acknowledgement looks at what was written until then.
 */

import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

const SHIM = `
  #define _GNU_SOURCE
  #include <dlfcn.h>
  #include <fcntl.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  #include <unistd.h>

  static int trace = -1;
  static ssize_t (*real_write)(int, const void *, size_t);

  __attribute__((constructor)) static void start(void) {
    real_write = dlsym(RTLD_NEXT, "write");
    trace = open(getenv("SYNC_TRACE"), O_WRONLY | O_CREAT | O_APPEND, 0600);
  }
  static void note_log(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path);
    if (length > 4 && memcmp(path + length - 4, "-wal", 4) == 0) real_write(trace, "w", 1);
  }
  #define WRITE(name, offset_type) \\
    ssize_t name(int fd, const void *data, size_t size, offset_type offset) { \\
      ssize_t (*real)(int, const void *, size_t, offset_type) = dlsym(RTLD_NEXT, #name); \\
      note_log(fd); \\
      return real(fd, data, size, offset); \\
    }
  WRITE(pwrite, off_t)
  WRITE(pwrite64, off64_t)
  ssize_t write(int fd, const void *data, size_t size) {
    note_log(fd);
    return real_write(fd, data, size);
  }
  #define SYNC(name) \\
    int name(int fd) { \\
      int (*real)(int) = dlsym(RTLD_NEXT, #name); \\
      int result = real(fd); \\
      real_write(trace, "s", 1); \\
      return result; \\
    }
  SYNC(fsync)
  SYNC(fdatasync)
`;

const CHILD = `
  import { readFileSync } from "node:fs";
  import { sqlite } from ${JSON.stringify(new URL("./sqlite.ts", import.meta.url).href)};
  const [directory, durable] = process.argv.slice(1);
  const environment = { clock: { now: () => 0 } };
  const traced = () => readFileSync(process.env.SYNC_TRACE, "latin1").length;
  const store = await sqlite({ directory, durable: durable === "true" }).open({ service: "shop", environment });
  await store.ensureCollections([{ name: "c", index: [] }]);
  const write = (id) => store.apply({
    sets: [{ key: "k", finishes: [], documents: [{ collection: "c", id, expected: 0, json: "{}" }] }],
  });
  const moments = [traced()];
  for (let n = 0; n < 50; n++) {
    await write("one-" + n);
    moments.push(traced());
  }
  await Promise.all(Array.from({ length: 200 }, (_, n) => write("many-" + n)));
  moments.push(traced());
  const trace = readFileSync(process.env.SYNC_TRACE, "latin1");
  await store.close();
  console.log(JSON.stringify({ trace, moments }));
`;

interface Traced {
  readonly trace: string;
  /** How much of the trace was there before the first commit, and at each acknowledgement. */
  readonly moments: readonly number[];
}

/** Why syncs cannot be counted here, where they cannot. */
function missingTool(): string | undefined {
  if (process.platform !== "linux") return "counting syncs needs Linux";
  const { error } = spawnSync("cc", ["--version"]);
  return error === undefined ? undefined : "counting syncs needs a C compiler, cc";
}

async function traceCommits(root: string, durable: boolean): Promise<Traced> {
  const run = promisify(execFile);
  const [source, library] = [join(root, "shim.c"), join(root, "shim.so")];
  writeFileSync(source, SHIM);
  await run("cc", ["-shared", "-fPIC", "-o", library, source, "-ldl"]);
  const { stdout } = await run(
    process.execPath,
    [
      "--conditions=source",
      "--input-type=module",
      "-e",
      CHILD,
      join(root, `stores-${durable}`),
      String(durable),
    ],
    {
      env: {
        ...process.env,
        LD_PRELOAD: library,
        SYNC_TRACE: join(root, `trace-${durable}`),
      },
    },
  );
  return JSON.parse(stdout);
}

function syncsIn(trace: string): number {
  return trace.replaceAll("w", "").length;
}

const reason = missingTool();

test(
  "every acknowledged commit is synced before it is acknowledged, and callers at once share syncs",
  reason === undefined ? {} : { skip: reason },
  async (t) => {
    const root = mkdtempSync(join(tmpdir(), "millrace-syncs-"));
    t.after(() => rmSync(root, { recursive: true }));

    const { trace, moments } = await traceCommits(root, true);
    const single = moments.slice(0, 51);
    for (const [index, end] of single.slice(1).entries()) {
      const during = trace.slice(single[index], end);
      assert.match(during, /w.*s$/, `commit ${index}: its bytes are written, then synced`);
    }
    const together = trace.slice(moments[50], moments[51]);
    const syncs = syncsIn(together);
    assert.match(together, /w.*s$/);
    assert.ok(syncs <= 20, `200 commits at once took ${syncs} syncs`);

    const control = await traceCommits(root, false);
    const unsynced = control.trace.slice(control.moments[0], control.moments[51]);
    assert.ok(
      unsynced.length > 50 && !unsynced.includes("s"),
      "the control writes and never syncs",
    );

    const counted = syncsIn(trace.slice(single[0], single[50]));
    t.diagnostic(`50 commits one by one: ${counted} syncs; 200 at once: ${syncs}; control: 0`);
  },
);
