/** `millrace find`: documents of a view, by id or by what is indexed. */

import { printable, printableJson } from "../../../host/text/printable.ts";
import { writeShownList } from "../../../http/shown-json.ts";
import { EXIT, type ExitCode } from "../../../model/errors.ts";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { openSession } from "../../session.ts";
import { parseWhere } from "../../input/where.ts";

export interface FindOptions extends GlobalOptions {
  readonly where?: readonly string[];
  readonly order?: string;
  readonly limit?: number;
  readonly after?: string;
  /** A position token. */
  readonly notBefore?: string;
}

export async function find(
  context: CommandContext,
  { where = [], order, limit, after, notBefore }: FindOptions,
  view: string,
  id?: string,
): Promise<ExitCode> {
  const { output } = context;
  const conditions = parseWhere(where);
  const fresh = notBefore === undefined ? {} : { notBefore };
  await using session = await openSession(context);
  if (id !== undefined) {
    const document = await session.admin.get(view, id, fresh);
    if (document !== undefined) await output.line(printableJson(document.dataJson));
    else output.note(`${view} has no document ${JSON.stringify(id)}`);
    return document === undefined ? EXIT.notFound : EXIT.ok;
  }
  const query = {
    where: conditions,
    ...(order !== undefined && { order }),
    ...(limit !== undefined && { limit }),
    ...(after !== undefined && { after }),
  };
  const page = await session.admin.find(view, query, fresh);
  if (output.json) {
    const more = page.next === undefined ? {} : { next: page.next };
    await output.line(writeShownList("documents", page.documents, more));
    return EXIT.ok;
  }
  for (const document of page.documents) {
    await output.line(printable(`${document.id}  ${document.dataJson}`));
  }
  if (page.documents.length === 0) output.note(`no document of ${view} fits`);
  if (page.next !== undefined) output.note(`there are more; go on with --after ${page.next}`);
  return EXIT.ok;
}
