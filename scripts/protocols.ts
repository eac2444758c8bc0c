/**
 * `npm run protocols` writes docs/protocols.md: what is spoken at the broker's doors and what is not. It
 * is made of the tables that the code works with, and of the differences that stand beside it.
 * `--check` changes nothing and fails when the page is stale.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { mechanismsOf } from "../src/embedded/doors/sasl/mechanisms.ts";
import { amqpPart } from "./protocols/amqp-part.ts";
import { kafkaPart } from "./protocols/kafka-part.ts";
import { table } from "./protocols/markdown.ts";

export const PAGE = "docs/protocols.md";

function signInPart(): string {
  const without = mechanismsOf({ hasCredentials: false });
  const withCredentials = mechanismsOf({ hasCredentials: true });
  const more = withCredentials.filter((name) => !without.includes(name)).join(", ");
  return `## Sign-in

Without a \`signIn\` hook whoever reaches a door on loopback comes in, but by HTTP. With it every client signs in; [security.md](security.md) explains hook and rules.

${table(
  ["door", "without a hook", "with a hook"],
  [
    [
      "HTTP",
      "the token of this start",
      "the token; bearer, Basic, or a header that the hook reads",
    ],
    ["Kafka", "no SASL", `SASL ${without.join(", ")}; ${more} where the hook has credentials`],
    ["AMQP", "no SASL, or SASL ANONYMOUS", "as Kafka"],
  ],
)}
`;
}

export function renderProtocols(): string {
  return `<!-- Made by npm run protocols from the code; do not edit. -->

# Protocols

What clients can speak with the embedded broker, version by version, and where it differs from the servers that they were written for.

${signInPart()}
${kafkaPart()}
${amqpPart()}`;
}

if (import.meta.main) {
  const page = renderProtocols();
  if (!process.argv.includes("--check")) writeFileSync(PAGE, page);
  else if (readFileSync(PAGE, "utf8") !== page) {
    console.error(`${PAGE} is stale; run: npm run protocols`);
    process.exitCode = 1;
  }
}
