import { test } from "node:test";
import { ADMIN_CASES, runCase } from "../admin/admin-cases.test.ts";
import type { Admin } from "../admin/admin.ts";
import type { Stage } from "../admin/shop-stage.test.ts";
import { openAdminClient } from "./client.ts";
import { serve } from "./serve.ts";

async function throughDoor({ admin, environment }: Stage): Promise<Admin> {
  const door = await serve({ admin, environment, token: "secret", port: 0 });
  const client = await openAdminClient({ url: door.url, token: "secret" });
  return {
    ...client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await door.close();
    },
  };
}

for (const one of ADMIN_CASES) {
  test(`through the door: ${one.title}`, () => runCase(one, throughDoor));
}
