import { test } from "node:test";
import { ADMIN_CASES, runCase } from "./admin-cases.test.ts";
import { createAdmin } from "./create-admin.ts";

for (const one of ADMIN_CASES) {
  test(`in process: ${one.title}`, () => runCase(one, async ({ options }) => createAdmin(options)));
}
