/** TLS, sign-in by each mechanism, and rules, as each client meets them: let in, kept out, denied. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "../../../scripts/process/run-program.ts";
import { type ClientCase, type ClientPlace, type Counts, countsOf } from "../client-case.ts";
import type { MillraceServer } from "../millrace-server.ts";

const USER = "shop";
const PASSWORD = "pencil, and paper";
const MESSAGES = 50;
const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
const TIMEOUT_MS = 180_000;

/** One per mechanism, and every one's messages. */
const DEMANDS: Counts = {
  signedIn: MECHANISMS.length,
  received: MECHANISMS.length * MESSAGES,
  wrongPassword: MECHANISMS.length,
  unknownUser: MECHANISMS.length,
  topic: MECHANISMS.length,
  group: MECHANISMS.length,
};

interface Secured {
  readonly server: MillraceServer;
  /** The certificate's file. */
  readonly certificate: string;
}

/** A server where the one user may do everything with names that begin with `shop`. */
async function startSecured(place: ClientPlace): Promise<Secured> {
  const { folder } = place;
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost"];
  const names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const files = ["-days", "2", "-keyout", key, "-out", certificate];
  await runProgram("openssl", ["req", ...kind, ...files, ...subject, ...names]);
  const users = JSON.stringify({ [USER]: { password: PASSWORD } });
  const rules = [{ principal: USER, actions: "*", resources: { kind: "*", name: "shop*" } }];
  const server = await place.startServer({
    code: `signIn: millrace.passwords({ users: ${users} }), rules: ${JSON.stringify(rules)},`,
    kafka: { tls: { key, cert: certificate } },
  });
  return { server, certificate };
}

async function argumentsOf(place: ClientPlace): Promise<readonly string[]> {
  const { server, certificate } = await startSecured(place);
  const names = ["shop-topic", "foreign-topic", "shop-group"];
  return [server.kafka, certificate, USER, PASSWORD, ...names, String(MESSAGES)];
}

/** Kafka's own tools: what they are refused they tell by the name of the exception. */
async function signInWithTools(place: ClientPlace): Promise<Counts> {
  const { folder, tools } = place;
  const { server, certificate } = await startSecured(place);
  const settings = async (mechanism: string, user: string, password: string): Promise<string> => {
    const kind = mechanism === "PLAIN" ? "plain.Plain" : "scram.Scram";
    const login = `org.apache.kafka.common.security.${kind}LoginModule`;
    const path = join(folder, `${mechanism}-${user}-${password.length}.properties`);
    const lines = [
      "security.protocol=SASL_SSL",
      "ssl.truststore.type=PEM",
      `ssl.truststore.location=${certificate}`,
      `sasl.mechanism=${mechanism}`,
      `sasl.jaas.config=${login} required username="${user}" password="${password}";`,
    ];
    await writeFile(path, `${lines.join("\n")}\n`);
    return path;
  };
  const tool = async (name: string, ...args: readonly string[]): Promise<string> => {
    const all = ["--bootstrap-server", server.kafka, ...args];
    const options = { anyExit: true };
    const output = await tools.kafkaClass(`org.apache.kafka.tools.${name}`, all, options);
    return `${output.stdout}${output.stderr}`;
  };
  const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;
  const told = { signedIn: 0, received: 0, wrongPassword: 0, unknownUser: 0, topic: 0, group: 0 };
  const send = ["--max-messages", String(MESSAGES)];
  for (const mechanism of MECHANISMS) {
    const own = await settings(mechanism, USER, PASSWORD);
    const topic = `shop-${mechanism}`;
    const produce = ["VerifiableProducer", "--command-config", own, ...send, "--topic"] as const;
    const produced = await tool(...produce, topic);
    told.signedIn += Number(count(produced, /producer_send_success/g) === MESSAGES);
    const consume = [
      "VerifiableConsumer",
      "--command-config",
      own,
      ...send,
      "--topic",
      topic,
    ] as const;
    const reset = ["--reset-policy", "earliest", "--group-id"];
    const consumed = await tool(...consume, ...reset, `shop-${mechanism}`);
    for (const [, read] of consumed.matchAll(/"records_consumed".*?"count":(\d+)/g)) {
      told.received += Number(read);
    }
    const signIn = async (user: string, password: string): Promise<number> => {
      const config = await settings(mechanism, user, password);
      const text = await tool("TopicCommand", "--command-config", config, "--list");
      return Number(text.includes("SaslAuthenticationException"));
    };
    told.wrongPassword += await signIn(USER, `${PASSWORD}!`);
    told.unknownUser += await signIn("stranger", PASSWORD);
  }
  const own = await settings("PLAIN", USER, PASSWORD);
  const denied = ["--command-config", own, "--topic", "foreign"];
  const created = await tool("TopicCommand", ...denied, "--create");
  told.topic = Number(created.includes("TopicAuthorizationException"));
  const foreign = ["--command-config", own, "--describe", "--group", "foreign"];
  const described = await tool("consumer.group.ConsumerGroupCommand", ...foreign);
  told.group = Number(described.includes("GroupAuthorizationException"));
  return told;
}

export const SECURITY: readonly ClientCase[] = [
  {
    name: "kafkajs secured",
    demands: DEMANDS,
    timeoutMs: TIMEOUT_MS,
    run: async (place) =>
      countsOf(await place.tools.node("kafkajs-secured.mjs", await argumentsOf(place))),
  },
  {
    name: "confluent-kafka secured",
    demands: DEMANDS,
    timeoutMs: TIMEOUT_MS,
    run: async (place) =>
      countsOf(await place.tools.python("confluent_secured.py", await argumentsOf(place))),
  },
  {
    name: "java secured",
    // A start of the virtual machine each; what a user may do does not depend on the mechanism.
    demands: { ...DEMANDS, topic: 1, group: 1 },
    timeoutMs: 2 * TIMEOUT_MS,
    run: signInWithTools,
  },
];
