// Signs in by each mechanism, sends and reads; then what must be refused.
// Arguments: bootstrap address, certificate, user, password, topic, topic of others, group, count.
import { readFileSync } from "node:fs";
import { Kafka, logLevel } from "kafkajs";

const [address, certificate, user, password, topic, foreign, groupId, count] =
  process.argv.slice(2);
const MECHANISMS = ["plain", "scram-sha-256", "scram-sha-512"];

const connectedBy = (mechanism, username, secret) =>
  new Kafka({
    clientId: "kafkajs",
    brokers: [address],
    ssl: { ca: [readFileSync(certificate, "utf8")], servername: "localhost" },
    sasl: { mechanism, username, password: secret },
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
  });

/** Whether the work fails with this name of error. */
async function fails(name, work) {
  try {
    await work();
    return false;
  } catch (error) {
    // What the broker said lies below what the client makes of it.
    const { type, name: kind } = error.cause ?? error;
    if ((type ?? kind) !== name) throw error;
    return true;
  }
}

const told = { signedIn: 0, received: 0, wrongPassword: 0, unknownUser: 0, topic: 0, group: 0 };
for (const [at, mechanism] of MECHANISMS.entries()) {
  const kafka = connectedBy(mechanism, user, password);
  const producer = kafka.producer();
  await producer.connect();
  told.signedIn++;
  const messages = Array.from({ length: Number(count) }, (_, index) => ({ value: `${index}` }));
  await producer.send({ topic: `${topic}-${at}`, messages });
  const consumer = kafka.consumer({ groupId: `${groupId}-${at}` });
  await consumer.connect();
  await consumer.subscribe({ topic: `${topic}-${at}`, fromBeginning: true });
  let received = 0;
  await new Promise((done, fail) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => fail(payload.error));
    const eachMessage = async () => {
      if (++received === messages.length) done();
    };
    consumer.run({ eachMessage }).catch(fail);
  });
  await consumer.disconnect();
  told.received += received;

  const refused = "KafkaJSSASLAuthenticationError";
  const signIn = (username, secret) => connectedBy(mechanism, username, secret).admin().connect();
  told.wrongPassword += await fails(refused, () => signIn(user, `${password}!`));
  told.unknownUser += await fails(refused, () => signIn("stranger", password));
  const denied = "TOPIC_AUTHORIZATION_FAILED";
  told.topic += await fails(denied, () => producer.send({ topic: foreign, messages }));
  const admin = kafka.admin();
  await admin.connect();
  await admin.listTopics();
  const group = () => admin.fetchOffsets({ groupId: "foreign" });
  // So it says whatever the reason is that it is refused.
  told.group += await fails("KafkaJSGroupCoordinatorNotFound", group);
  await Promise.all([admin.disconnect(), producer.disconnect()]);
}
console.log(JSON.stringify(told));
