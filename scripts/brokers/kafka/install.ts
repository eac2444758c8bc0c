/** Apache Kafka from Maven: the broker, its tools and its client libraries. Needs Java 17. */

import { join } from "node:path";
import { installedOnce } from "../../process/installed-once.ts";
import { requireProgram } from "../../process/required-program.ts";
import { runProgram } from "../../process/run-program.ts";

const POM = join(import.meta.dirname, "pom.xml");

/** The folder whose `lib` holds all jars. */
export async function installKafka(): Promise<string> {
  await requireProgram({
    command: "javac",
    debianPackage: "openjdk-17-jdk-headless",
    remedy: "install a JDK, 17 or later",
  });
  return installedOnce({
    name: "kafka",
    version: "4.3.1",
    install: (folder) => copyJars(POM, folder),
  });
}

/** Fetches what a pom names, and what that needs, into `lib` of a folder. */
export async function copyJars(pom: string, folder: string): Promise<void> {
  await requireProgram({
    command: "mvn",
    debianPackage: "maven",
    remedy: "install Maven 3.8 or later",
  });
  const output = `-DoutputDirectory=${join(folder, "lib")}`;
  const goal = ["dependency:copy-dependencies", output, "-DincludeScope=runtime"];
  await runProgram("mvn", ["-q", "-B", "-f", pom, ...goal]);
}

/** For short runs: a Java machine that starts quickly and says only what went wrong. */
export function javaOptions(classPath: string): readonly string[] {
  return [
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xshare:auto",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-cp",
    classPath,
  ];
}
