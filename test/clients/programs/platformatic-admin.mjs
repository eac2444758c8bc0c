// Administers a topic. Arguments: bootstrap address, topic.
import { Admin, Producer, stringSerializers } from "@platformatic/kafka";

const [address, topic] = process.argv.slice(2);
const settings = { clientId: "platformatic", bootstrapBrokers: [address] };
const admin = new Admin(settings);

const configs = [{ name: "cleanup.policy", value: "compact" }];
const [made] = await admin.createTopics({ topics: [topic], partitions: 2, replicas: 3, configs });
await admin.createPartitions({ topics: [{ name: topic, count: 3 }] });
const resource = { resourceType: 2, resourceName: topic };
await admin.incrementalAlterConfigs({
  resources: [
    {
      ...resource,
      configs: [
        { name: "cleanup.policy", configOperation: 2, value: "delete" },
        { name: "segment.ms", configOperation: 0, value: "60000" },
      ],
    },
  ],
});
const [described] = await admin.describeConfigs({
  resources: [{ ...resource, configurationKeys: null }],
  includeSynonyms: true,
  includeDocumentation: false,
});
const valueOf = (name) => described.configs.find((config) => config.name === name).value;

const producer = new Producer({ ...settings, serializers: stringSerializers });
const messages = Array.from({ length: 10 }, (_, n) => ({
  topic,
  partition: 0,
  key: String(n),
  value: String(n),
}));
await producer.send({ messages, acks: -1 });
await producer.close();
const [deleted] = await admin.deleteRecords({
  topics: [{ name: topic, partitions: [{ partition: 0, offset: 4n }] }],
});
const [offsets] = await admin.listOffsets({
  topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
});
const dirs = await admin.describeLogDirs({ topics: [{ name: topic, partitions: [0] }] });
const [disk] = dirs[0].results[0].topics[0].partitions;
const listed = (await admin.listTopics()).filter((name) => name === topic).length;
await admin.deleteTopics({ topics: [topic] });
const left = (await admin.listTopics()).filter((name) => name === topic).length;
await admin.close();
console.log(
  JSON.stringify({
    partitions: made.partitions,
    replicas: made.replicas,
    policies: valueOf("cleanup.policy").split(",").length,
    segmentMs: Number(valueOf("segment.ms")),
    configs: described.configs.length,
    low: Number(deleted.partitions[0].lowWatermark),
    high: Number(offsets.partitions[0].offset),
    onDisk: Number(disk.partitionSize > 100),
    listed,
    left,
  }),
);
