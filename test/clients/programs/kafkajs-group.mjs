// Sends keyed messages and reads them in a group. Arguments: bootstrap address, topic, group, count.
import { CompressionTypes, Kafka, logLevel } from "kafkajs";

const [address, topic, groupId, count] = process.argv.slice(2);
const kafka = new Kafka({ clientId: "kafkajs", brokers: [address], logLevel: logLevel.WARN });

const producer = kafka.producer();
await producer.connect();
let sent = 0;
for (let batch = 0; batch < 10; batch++) {
  const messages = Array.from({ length: Number(count) / 10 }, () => ({
    key: `key-${sent % 7}`,
    value: String(sent),
    headers: { position: String(sent++) },
  }));
  const compression = batch % 2 === 0 ? CompressionTypes.None : CompressionTypes.GZIP;
  await producer.send({ topic, messages, compression, acks: -1 });
}
await producer.disconnect();

const seen = new Set();
const newest = new Map();
let received = 0;
let outOfOrder = 0;
const consumer = kafka.consumer({ groupId });
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await new Promise((done, fail) => {
  consumer.on(consumer.events.CRASH, ({ payload }) => fail(payload.error));
  const eachMessage = async ({ message }) => {
    const value = Number(message.value);
    const key = String(message.key);
    if (String(message.headers.position) !== String(value)) throw new Error(`header of ${value}`);
    if (value < (newest.get(key) ?? -1)) outOfOrder++;
    newest.set(key, value);
    seen.add(value);
    if (++received === sent) done();
  };
  consumer.run({ eachMessage }).catch(fail);
});
await consumer.disconnect();
console.log(JSON.stringify({ sent, received, distinct: seen.size, outOfOrder }));
