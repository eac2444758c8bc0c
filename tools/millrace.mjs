#!/usr/bin/env -S node --conditions=source
// `npx millrace` in this repository: the command line from its sources, without a build.
// oxlint-disable-next-line no-unassigned-import -- running it is the whole point
import "../src/cli/main.ts";
