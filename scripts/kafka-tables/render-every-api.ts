/** The generated list of all that Kafka's brokers answer, served here or not. */

export interface DefinedApi {
  readonly name: string;
  readonly key: number;
  readonly versions: string;
  readonly flexible: string;
  /** Its last version is not stable yet, so no client asks for it. */
  readonly lastUnstable: boolean;
  /** Only Kafka's own controllers are asked. */
  readonly controllersOnly: boolean;
}

export function renderEveryApi(apis: readonly DefinedApi[]): string {
  const rows = apis
    .toSorted((a, b) => a.key - b.key)
    .map((api) => JSON.stringify(api))
    .join(",\n");
  return `// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

export interface DefinedApi {
  readonly name: string;
  readonly key: number;
  readonly versions: string;
  readonly flexible: string;
  readonly lastUnstable: boolean;
  readonly controllersOnly: boolean;
}

/** By rising key. */
export const EVERY_API: readonly DefinedApi[] = [
${rows}
];
`;
}
