/**
 * What `npm start` runs: `both.ts`, with what Node makes of the sources kept between starts. Stripping
 * types from hundreds of modules, and again in the worker of each database, takes longer than all else.
 */

import { enableCompileCache } from "node:module";

const { directory } = enableCompileCache();
// Workers take it from the environment.
if (directory !== undefined) process.env["NODE_COMPILE_CACHE"] = directory;
await import("./both.ts");
