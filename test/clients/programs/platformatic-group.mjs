<<<<<<< HEAD
// Creates a topic, sends keyed messages in all compressions and reads them in a group.
// Arguments: bootstrap address, topic, group, count.
import {
  Admin,
  Consumer,
  MessagesStreamModes,
=======
// Reads in a group, commits each message, and looks at the group. Arguments: address, topic, group, count.
import {
  Admin,
  Consumer,
>>>>>>> 7172fc2 (Try groups with platformatic, kcat and Kafka's tools)
  Producer,
  stringDeserializers,
  stringSerializers,
} from "@platformatic/kafka";

const [address, topic, groupId, count] = process.argv.slice(2);
<<<<<<< HEAD
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
=======
const bootstrapBrokers = [address];

const producer = new Producer({
  clientId: "producer",
  bootstrapBrokers,
  serializers: stringSerializers,
});
const messages = Array.from({ length: Number(count) }, (_, at) => ({
  topic,
  key: String(at % 7),
  value: String(at),
}));
await producer.send({ messages, autocreateTopics: true });
await producer.close();

const consumer = new Consumer({
  groupId,
  clientId: "consumer",
  bootstrapBrokers,
  deserializers: stringDeserializers,
});
const stream = await consumer.consume({ topics: [topic], mode: "earliest", autocommit: false });
const seen = new Set();
for await (const message of stream) {
  seen.add(message.value);
  await message.commit();
  if (seen.size === messages.length) break;
}
const admin = new Admin({ clientId: "admin", bootstrapBrokers });
const described = (await admin.describeGroups({ groups: [groupId] })).get(groupId);
await consumer.close(true);
const [offsets] = await admin.listConsumerGroupOffsets({ groups: [groupId] });
const committed = offsets.topics
  .flatMap(({ partitions }) => partitions)
  .reduce((sum, { committedOffset }) => sum + Number(committedOffset), 0);
await admin.deleteGroups({ groups: [groupId] });
const left = [...(await admin.listGroups()).keys()].filter((id) => id === groupId).length;
await admin.close();
const members = described.members.size;
console.log(JSON.stringify({ distinct: seen.size, committed, members, left }));
>>>>>>> 7172fc2 (Try groups with platformatic, kcat and Kafka's tools)
