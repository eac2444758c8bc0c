/** kfake, the Kafka of franz-go's tests, from the Go proxy. Needs Go, which fetches a newer Go if needed. */

import { join } from "node:path";
import { installedOnce } from "../../process/installed-once.ts";
import { requireProgram } from "../../process/required-program.ts";
import { runProgram } from "../../process/run-program.ts";

/** The folder with the program `kfake`. */
export async function installKfake(): Promise<string> {
  return installedOnce({
    name: "kfake",
    version: "20260918",
    install: async (folder) => {
      await requireProgram({ command: "go", remedy: "install Go 1.21 or later" });
      const output = join(folder, "kfake");
      await runProgram("go", ["build", "-o", output, "."], { cwd: import.meta.dirname });
    },
  });
}
