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
  // Compiled code is kept between starts: a quarter of the time to the first answer.
  void import("node:module")
    .then((module) => module.enableCompileCache())
    .then(() => import("./program.ts"))
    .then((program) => program.main(process.argv));
}
