#!/usr/bin/env node
// This file must parse and run on every Node there is: it is what says that the Node is too old. So
// nothing here is younger than ES2020, and nothing is imported before the check.

const OLDEST = 24;
const major = Number(process.versions.node.split(".")[0]);

if (major < OLDEST) {
  process.stderr.write(
    "millrace: this is Node " +
      process.versions.node +
      ", and millrace needs Node " +
      OLDEST +
      " or newer; install it from https://nodejs.org or with your version manager\n",
  );
  process.exitCode = 1;
} else {
  void import("node:module").then((module) => {
    // Compiled code is kept between starts.
    module.enableCompileCache();
    if (!import.meta.url.endsWith(".js")) return program();
    resolveOwnFiles(module);
    return import("./lone-start.ts").then(({ loneStart }) => {
      const options = loneStart(process.argv, process.cwd());
      return options === undefined
        ? program()
        : bundled().then(({ startAlone }) => startAlone(options));
    });
  });
}

function program(): Promise<void> {
  return import("./program.ts").then(({ main }) => main(process.argv));
}

/** The same code in a few files; the build's second step makes it (`scripts/bundle.ts`). */
function bundled(): Promise<typeof import("./commands/running/start-alone.ts")> {
  const entry: string = new URL("../bundle/start-alone.js", import.meta.url).href;
  return import(entry);
}

/**
 * A relative import of the built package names a file of it, as it is: there is nothing to look up.
 * Node's own search (the file, its real path, the package that it belongs to) is a quarter of the time
 * to the first answer.
 */
function resolveOwnFiles(module: Pick<typeof import("node:module"), "registerHooks">): void {
  const own = new URL("../", import.meta.url).href;
  module.registerHooks({
    resolve(specifier, context, nextResolve) {
      const { parentURL } = context;
      if (!specifier.startsWith(".") || parentURL === undefined || !parentURL.startsWith(own)) {
        return nextResolve(specifier, context);
      }
      return { url: new URL(specifier, parentURL).href, format: "module", shortCircuit: true };
    },
  });
}
