/** The generated list of APIs: which request and response belong to which key. */

export interface ApiEntry {
  readonly name: string;
  readonly key: number;
  /** Without its ending. */
  readonly file: string;
  /** What its two tables begin with. */
  readonly tables: string;
}

export function renderApis(entries: readonly ApiEntry[]): string {
  const sorted = entries.toSorted((a, b) => a.key - b.key);
  const lines = (render: (entry: ApiEntry) => string): string => sorted.map(render).join("\n");
  return `// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

${lines(
  ({ name, file, tables }) =>
    `import { ${tables}Request, ${tables}Response, type ${name}Request, type ${name}Response } from "./${file}.ts";`,
)}
import type { MessageTable } from "../message-table.ts";

export interface Requests {
${lines(({ name }) => `readonly ${name}: ${name}Request;`)}
}

export interface Responses {
${lines(({ name }) => `readonly ${name}: ${name}Response;`)}
}

export type ApiName = keyof Requests;

export interface ApiTables<Name extends ApiName> {
  readonly key: number;
  readonly request: MessageTable<Requests[Name]>;
  readonly response: MessageTable<Responses[Name]>;
}

export const API_TABLES: { readonly [Name in ApiName]: ApiTables<Name> } = {
${lines(
  ({ name, key, tables }) =>
    `${name}: { key: ${key}, request: ${tables}Request, response: ${tables}Response },`,
)}
};
`;
}
