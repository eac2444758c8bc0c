#!/usr/bin/env -S node --conditions=source
// `npx millrace` in this repository: the command line from its sources, without a build.
import "../src/cli/main.ts";
