/** `millrace doctor`: looks at everything that a start needs and says what is wrong with it. */

import { EXIT, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { runChecks, type Finding } from "../../health-checks.ts";
import type { Column } from "../../terminal/table.ts";

const COLUMNS: readonly Column<Finding>[] = [
  { title: "check", value: ({ check }) => check },
  { title: "state", value: ({ state }) => state },
  { title: "found", value: ({ found }) => found },
];

export async function doctor(context: CommandContext, options: GlobalOptions): Promise<ExitCode> {
  const { output } = context;
  const findings = await runChecks(context, options);
  await output.rows(findings, COLUMNS, "nothing was checked");
  const problems = findings.filter(({ state }) => state === "problem").length;
  output.note(
    problems === 0
      ? "no problems found"
      : `${problems} of ${findings.length} checks found a problem`,
  );
  return problems === 0 ? EXIT.ok : EXIT.problemsFound;
}
