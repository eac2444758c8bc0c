// Members join and leave one group while messages are sent to six partitions.
// Arguments: bootstrap address, topic, group.
import { Kafka, logLevel } from "kafkajs";

const PARTITIONS = 6;
const REBALANCE_MS = 20_000;
/** Of a member before the next one comes or goes. */
const READ = 100;

const [address, topic, groupId] = process.argv.slice(2);
const kafka = new Kafka({ clientId: "kafkajs", brokers: [address], logLevel: logLevel.NOTHING });

const admin = kafka.admin();
await admin.connect();
await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: true });
const producer = kafka.producer();
await producer.connect();

/** How often each message was read, and up to where each partition is committed. */
const counts = new Map();
const committed = Array.from({ length: PARTITIONS }, () => 0);
let behindCommit = 0;
let lastReadMs = Infinity;
let longestMs = 0;

async function start() {
  const consumer = kafka.consumer({
    groupId,
    rebalanceTimeout: REBALANCE_MS,
    heartbeatInterval: 300,
    maxWaitTimeInMs: 200,
  });
  const member = { consumer, read: 0 };
  consumer.on(consumer.events.COMMIT_OFFSETS, ({ payload }) => {
    for (const { partitions } of payload.topics) {
      for (const { partition, offset } of partitions) {
        committed[partition] = Math.max(committed[partition], Number(offset));
      }
    }
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message, partition }) => {
      const value = String(message.value);
      counts.set(value, (counts.get(value) ?? 0) + 1);
      // What was committed is behind whoever is given the partition.
      if (Number(message.offset) < committed[partition]) behindCommit++;
      const nowMs = performance.now();
      longestMs = Math.max(longestMs, nowMs - lastReadMs);
      lastReadMs = nowMs;
      member.read++;
    },
  });
  return member;
}

const moment = () => new Promise((resolve) => setTimeout(resolve, 20));

/** Waits until each of them has read some more. */
async function work(...members) {
  const wanted = members.map(({ read }) => read + READ);
  while (members.some(({ read }, at) => read < wanted[at])) await moment();
}

let sent = 0;
const stopped = new AbortController();
const sending = (async () => {
  while (!stopped.signal.aborted) {
    const messages = Array.from({ length: 30 }, () => ({
      partition: sent % PARTITIONS,
      value: String(sent++),
    }));
    await producer.send({ topic, messages });
    await moment();
  }
})();

const first = await start();
const second = await start();
await work(first, second);
const third = await start();
await work(first, second, third);
const { groups } = await admin.describeGroups([groupId]);
await first.consumer.disconnect();
await work(second, third);
const fourth = await start();
await work(second, third, fourth);
// Two at a time, one coming and one going.
const [fifth] = await Promise.all([start(), second.consumer.disconnect()]);
await work(third, fourth, fifth);
await Promise.all([third.consumer.disconnect(), fourth.consumer.disconnect()]);
await work(fifth);
stopped.abort();
await sending;
while (counts.size < sent) await moment();
await fifth.consumer.disconnect();

const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] });
const ends = await admin.fetchTopicOffsets(topic);
const atEnd = ends.filter(({ partition, offset }) =>
  partitions.some((one) => one.partition === partition && one.offset === offset),
);
await Promise.all([producer.disconnect(), admin.disconnect()]);
const twice = [...counts.values()].filter((count) => count > 1).length;
console.error(`${sent} sent, ${twice} read twice, at most ${Math.round(longestMs)} ms of rest`);
console.log(
  JSON.stringify({
    together: groups[0].members.length,
    unseen: sent - counts.size,
    behindCommit,
    stoodStill: Number(longestMs > REBALANCE_MS),
    committedToEnd: atEnd.length,
  }),
);
