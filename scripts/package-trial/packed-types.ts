/** The packed types under the compilers that users have, without `skipLibCheck`. */

import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { mustRun } from "./surroundings.ts";
import type { Trial } from "./trial.ts";

const COMPILERS = { "5.9": "typescript-5", "7.0": "typescript-7" };
const RESOLUTIONS = {
  nodenext: { module: "nodenext", moduleResolution: "nodenext" },
  bundler: { module: "esnext", moduleResolution: "bundler" },
};

/** Checks the examples as a user's own sources, and an import of every subpath. */
export async function checkPackedTypes(
  trial: Trial,
  {
    root,
    archive,
    folder,
  }: { readonly root: string; readonly archive: string; readonly folder: string },
): Promise<void> {
  mkdirSync(folder);
  const installed = await trial.step("the package and both compilers are installed", () =>
    prepare(root, archive, folder),
  );
  if (!installed) return;
  for (const [version, compiler] of Object.entries(COMPILERS)) {
    for (const [resolution, settings] of Object.entries(RESOLUTIONS)) {
      await trial.step(`its types compile under TypeScript ${version} with ${resolution}`, () => {
        writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(configuration(settings)));
        const tsc = join("node_modules", compiler, "bin", "tsc");
        const said = mustRun(`node ${tsc} --version; node ${tsc} -p .`, folder);
        if (!said.includes(`Version ${version}.`)) throw new Error(`another compiler ran: ${said}`);
      });
    }
  }
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
}

function prepare(root: string, archive: string, folder: string): void {
  const manifest: Manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { dependencies, devDependencies } = manifest;
  const versions = { ...devDependencies, ...dependencies };
  const own = {
    private: true,
    type: "module",
    dependencies: {
      millrace: `file:${archive}`,
      ...Object.fromEntries(["zod", "@types/node"].map((name) => [name, versions[name]])),
      ...Object.fromEntries(
        Object.entries(COMPILERS).map(([version, name]) => [name, `npm:typescript@~${version}.0`]),
      ),
    },
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(own, null, 2));
  for (const example of ["hello", "sketch"]) {
    // Hono's own types want those of a browser, which this project does without.
    const files = globSync(join(root, "examples", example, "*.ts"));
    for (const file of files.filter((each) => !readFileSync(each, "utf8").includes("hono"))) {
      cpSync(file, join(folder, example, basename(file)));
    }
  }
  writeFileSync(join(folder, "every-subpath.ts"), everySubpath(Object.keys(manifest.exports)));
  mustRun("npm install --no-audit --no-fund", folder);
}

/** Imports each subpath whole and looks at it, so that the compiler must resolve all of it. */
function everySubpath(paths: readonly string[]): string {
  const names = paths.filter((path) => !path.endsWith(".json")).map((path) => path.slice(1));
  if (names.length < 8) throw new Error(`only ${names.length} subpaths are exported`);
  const imports = names.map((name, at) => `import * as m${at} from "millrace${name}";`);
  const uses = names.map(
    (_, at) => `export const keys${at}: readonly (keyof typeof m${at})[] = [];`,
  );
  return `${[...imports, ...uses].join("\n")}\n`;
}

function configuration(settings: object): object {
  return {
    compilerOptions: {
      ...settings,
      target: "es2024",
      lib: ["es2024", "esnext.disposable"],
      types: ["node"],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      verbatimModuleSyntax: true,
      erasableSyntaxOnly: true,
      allowImportingTsExtensions: true,
      skipLibCheck: false,
      noEmit: true,
    },
    include: ["**/*.ts"],
  };
}
