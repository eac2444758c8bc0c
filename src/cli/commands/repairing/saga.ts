/** `millrace saga`: instances of sagas, and another try for one that is stuck. */

import type { SagaInstance, SagaStatus, ShownSaga } from "../../../admin/api/saga-admin.ts";
import { withMember } from "../../../codecs/json-text.ts";
import { printable } from "../../../host/text/printable.ts";
import { EXIT, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { openSession } from "../../session.ts";
import { confirm } from "../../terminal/confirm.ts";
import { formatTable, type Column } from "../../terminal/table.ts";

export interface ListOptions extends GlobalOptions {
  readonly status?: SagaStatus;
  readonly limit?: number;
  readonly after?: string;
}

export interface RetryOptions extends GlobalOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

const COLUMNS: readonly Column<SagaInstance>[] = [
  { title: "saga", value: ({ service, saga }) => `${service}.${saga}` },
  { title: "instance", value: ({ instance }) => instance },
  { title: "status", value: ({ status }) => status },
  { title: "version", value: ({ version }) => version },
  { title: "open steps", value: ({ openSteps }) => openSteps },
  { title: "changed", value: ({ changedMs }) => new Date(changedMs).toISOString() },
  { title: "stuck", value: ({ stuck }) => stuck },
];

const STEP_COLUMNS: readonly Column<ShownSaga["steps"][number]>[] = [
  { title: "step", value: ({ type }) => type },
  { title: "state", value: ({ state }) => state },
  { title: "undo", value: ({ undo }) => undo },
  { title: "command", value: ({ id }) => id },
];

const TIMER_COLUMNS: readonly Column<ShownSaga["timers"][number]>[] = [
  { title: "timer", value: ({ name }) => name },
  { title: "type", value: ({ type }) => type },
  { title: "due", value: ({ dueMs }) => new Date(dueMs).toISOString() },
];

export async function list(
  context: CommandContext,
  { status, limit, after }: ListOptions,
  saga?: string,
): Promise<ExitCode> {
  const { output } = context;
  await using session = await openSession(context);
  const page = await session.admin.listSagas({
    ...(saga !== undefined && { saga }),
    ...(status !== undefined && { status }),
    ...(limit !== undefined && { limit }),
    ...(after !== undefined && { after }),
  });
  if (output.json) await output.line(JSON.stringify(page));
  else await output.rows(page.instances, COLUMNS, "no instances");
  if (page.next !== undefined) output.note(`there are more; go on with --after ${page.next}`);
  return EXIT.ok;
}

export async function show(
  context: CommandContext,
  _options: GlobalOptions,
  saga: string,
  instance: string,
): Promise<ExitCode> {
  const { output } = context;
  await using session = await openSession(context);
  const shown = await session.admin.showSaga(saga, instance);
  const { stateJson, ...rest } = shown;
  if (output.json) await output.line(withMember(rest, "state", stateJson));
  else for (const line of sagaLines(shown)) await output.line(line);
  return EXIT.ok;
}

export async function retry(
  context: CommandContext,
  { dryRun = false, yes }: RetryOptions,
  saga: string,
  instance: string,
): Promise<ExitCode> {
  const { output, by } = context;
  await using session = await openSession(context);
  const planned = await session.admin.retrySaga(saga, instance, { dryRun: true });
  const what = `try again to undo the step at which ${instance} of ${saga} is stuck`;
  if (dryRun) {
    await output.result({ ...planned, dryRun }, `would ${what}`);
    return EXIT.ok;
  }
  await confirm(context, { what, yes });
  const retried = await session.admin.retrySaga(saga, instance, { by });
  await output.result({ ...retried, dryRun }, `${instance} of ${saga} is ${retried.status}`);
  return EXIT.ok;
}

function sagaLines(shown: ShownSaga): string[] {
  const { service, saga, instance, status, version, startedMs, changedMs, stuck } = shown;
  const facts: readonly (readonly [name: string, value: string | undefined])[] = [
    ["saga", `${service}.${saga} version ${version}`],
    ["instance", instance],
    ["status", status],
    ["stuck", stuck],
    ["started", new Date(startedMs).toISOString()],
    ["changed", new Date(changedMs).toISOString()],
    ["state", shown.stateJson],
  ];
  return [
    ...facts
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name.padEnd(9)} ${printable(value ?? "")}`),
    ...formatTable(shown.steps, STEP_COLUMNS),
    ...formatTable(shown.timers, TIMER_COLUMNS),
  ];
}
