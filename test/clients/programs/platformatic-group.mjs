// Creates a topic, sends keyed messages in all compressions and reads them in a group.
// Arguments: bootstrap address, topic, group, count.
import {
  Admin,
  Consumer,
  MessagesStreamModes,
  Producer,
  stringDeserializers,
  stringSerializers,
} from "@platformatic/kafka";

const [address, topic, groupId, count] = process.argv.slice(2);
const client = { clientId: "platformatic", bootstrapBrokers: [address] };

const admin = new Admin(client);
const topics = await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 });
await admin.close();

const producer = new Producer({ ...client, serializers: stringSerializers });
let sent = 0;
for (const compression of ["none", "gzip", "snappy", "lz4", "zstd"]) {
  const messages = Array.from({ length: Number(count) / 5 }, () => ({
    topic,
    key: `key-${sent % 7}`,
    value: String(sent++),
  }));
  await producer.send({ messages, compression, acks: -1 });
}
await producer.close();

const seen = new Set();
const newest = new Map();
let received = 0;
let outOfOrder = 0;
const consumer = new Consumer({ ...client, groupId, deserializers: stringDeserializers });
const stream = await consumer.consume({
  topics: [topic],
  mode: MessagesStreamModes.EARLIEST,
  autocommit: true,
});
for await (const { key, value } of stream) {
  const position = Number(value);
  if (position < (newest.get(key) ?? -1)) outOfOrder++;
  newest.set(key, position);
  seen.add(position);
  if (++received === sent) break;
}
await stream.close();
await consumer.close(true);
console.log(
  JSON.stringify({ sent, received, distinct: seen.size, outOfOrder, topics: topics.length }),
);
