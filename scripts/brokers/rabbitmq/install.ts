/**
 * RabbitMQ 4 from Debian 13 (trixie), whatever Debian this is: a root of its own, entered by chroot. So
 * it needs the superuser.
 */

import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { installedOnce } from "../../process/installed-once.ts";
import { requireProgram, Unavailable } from "../../process/required-program.ts";
import { runProgram } from "../../process/run-program.ts";
import type { Installed } from "../broker.ts";
import { debianMirror } from "./mirror.ts";

/** Beside the root's own folders; data must be inside to be seen. */
export const DATA_PARENT = join("srv", "brokers");

export async function installRabbitmq(): Promise<Installed> {
  if (process.getuid?.() !== 0) {
    throw new Unavailable(
      "rabbitmq is installed into a root of its own, which only the superuser can enter; run as root",
    );
  }
  const folder = await installedOnce({
    name: "rabbitmq",
    version: "trixie",
    install: async (draft) => {
      await requireProgram({
        command: "debootstrap",
        debianPackage: "debootstrap",
        remedy: "install debootstrap",
      });
      const variant = ["--variant=minbase", "--include=rabbitmq-server"];
      await runProgram("debootstrap", [...variant, "trixie", draft, await debianMirror()], {
        timeoutMs: 900_000,
      });
    },
  });
  // Erlang looks at its processors there. A mount does not outlive the machine's start.
  if (!existsSync(join(folder, "proc", "self"))) {
    await runProgram("mount", ["-t", "proc", "proc", join(folder, "proc")]);
  }
  const dataParent = join(folder, DATA_PARENT);
  await mkdir(dataParent, { recursive: true });
  return { folder, dataParent };
}
