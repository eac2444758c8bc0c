// Administers a topic. Arguments: bootstrap address, topic.
import kafkajs from "kafkajs";

const { ConfigResourceTypes, Kafka, logLevel } = kafkajs;
const [address, topic] = process.argv.slice(2);
const kafka = new Kafka({ clientId: "kafkajs", brokers: [address], logLevel: logLevel.WARN });
const admin = kafka.admin();
await admin.connect();

const configEntries = [{ name: "retention.ms", value: "60000" }];
const topics = [{ topic, numPartitions: 2, replicationFactor: 3, configEntries }];
const created = Number(await admin.createTopics({ topics }));
const again = Number(await admin.createTopics({ topics }));
await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] });

const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic }];
const set = { name: "max.message.bytes", value: "5000" };
await admin.alterConfigs({
  validateOnly: false,
  resources: [{ ...resources[0], configEntries: [set] }],
});
const described = await admin.describeConfigs({ includeSynonyms: true, resources });
const configs = Object.fromEntries(
  described.resources[0].configEntries.map(({ configName, configValue }) => [
    configName,
    configValue,
  ]),
);

const producer = kafka.producer();
await producer.connect();
const messages = Array.from({ length: 10 }, (_, n) => ({ partition: 0, value: String(n) }));
await producer.send({ topic, messages });
await producer.disconnect();
await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "4" }] });
const offsets = await admin.fetchTopicOffsets(topic);
const first = offsets.find(({ partition }) => partition === 0);

const metadata = await admin.fetchTopicMetadata({ topics: [topic] });
const cluster = await admin.describeCluster();
const listed = (await admin.listTopics()).filter((name) => name === topic).length;
await admin.deleteTopics({ topics: [topic] });
const left = (await admin.listTopics()).filter((name) => name === topic).length;
await admin.disconnect();
console.log(
  JSON.stringify({
    created,
    again,
    listed,
    left,
    brokers: cluster.brokers.length,
    partitions: metadata.topics[0].partitions.length,
    // All that is set is replaced, so the first setting is gone.
    retentionMs: Number(configs["retention.ms"]),
    messageBytesMax: Number(configs["max.message.bytes"]),
    low: Number(first.low),
    high: Number(first.high),
  }),
);
