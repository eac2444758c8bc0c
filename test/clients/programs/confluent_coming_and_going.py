"""Members join and leave one group while messages are sent to six partitions.

Arguments: bootstrap address, topic, group, the way of assigning, "static" or "dynamic". A static member
leaves without a word and comes back under its name: nobody else may notice.
"""

import json
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition

address, topic, group, strategy, membership = sys.argv[1:6]
PARTITIONS = 6
REBALANCE_MS = 20_000
READ = 100

admin = AdminClient({"bootstrap.servers": address})
for future in admin.create_topics([NewTopic(topic, PARTITIONS, 1)]).values():
    future.result(30)

lock = threading.Lock()
counts = {}
committed = [0] * PARTITIONS
behind_commit = 0
last_read = None
longest = 0.0


class Member:
    """Reads and commits in a thread of its own until it is told to leave."""

    def __init__(self, name):
        self.name = name
        self.read = 0
        self.generations = 0
        self.failure = None
        self.leaving = threading.Event()
        settings = {
            "bootstrap.servers": address,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "partition.assignment.strategy": strategy,
            "heartbeat.interval.ms": 300,
            "session.timeout.ms": REBALANCE_MS,
            "max.poll.interval.ms": REBALANCE_MS,
            "fetch.wait.max.ms": 200,
        }
        if membership == "static":
            settings["group.instance.id"] = name
        self.consumer = Consumer(settings)
        self.consumer.subscribe([topic], on_assign=self.on_assign, on_revoke=self.on_revoke)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def on_assign(self, consumer, _partitions):
        self.generations += 1

    def on_revoke(self, consumer, _partitions):
        # What was read of it is committed before another one has it.
        self.commit()

    def commit(self):
        global committed
        try:
            done = self.consumer.commit(asynchronous=False)
        except KafkaException as failed:
            # Nothing new to commit, or the group has gone on without this member.
            if failed.args[0].name() in ("_NO_OFFSET", "ILLEGAL_GENERATION", "REBALANCE_IN_PROGRESS"):
                return
            raise
        with lock:
            for each in done:
                if each.error is None and each.offset >= 0:
                    committed[each.partition] = max(committed[each.partition], each.offset)

    def run(self):
        global behind_commit, last_read, longest
        try:
            while not self.leaving.is_set():
                messages = self.consumer.consume(50, 0.1)
                for message in messages:
                    if message.error():
                        raise KafkaException(message.error())
                    now = time.monotonic()
                    with lock:
                        value = message.value()
                        counts[value] = counts.get(value, 0) + 1
                        behind_commit += message.offset() < committed[message.partition()]
                        longest = max(longest, now - (last_read or now))
                        last_read = now
                        self.read += 1
                if messages:
                    self.commit()
            self.consumer.close()
        except Exception as failed:
            self.failure = failed

    def leave(self):
        self.leaving.set()
        self.thread.join()
        if self.failure is not None:
            raise self.failure


def work(*members):
    """Waits until each of them has read some more."""
    wanted = [member.read + READ for member in members]
    while any(member.read < least for member, least in zip(members, wanted)):
        for member in members:
            if member.failure is not None:
                raise member.failure
        time.sleep(0.02)


producer = Producer({"bootstrap.servers": address, "linger.ms": 5})
stopped = threading.Event()
sent = 0


def send():
    global sent
    while not stopped.is_set():
        for _ in range(30):
            producer.produce(topic, str(sent), partition=sent % PARTITIONS)
            sent += 1
        producer.poll(0)
        time.sleep(0.02)
    producer.flush(30)


sending = threading.Thread(target=send)
sending.start()
first, second = Member("one"), Member("two")
work(first, second)
third = Member("three")
work(first, second, third)
together = len(admin.describe_consumer_groups([group])[group].result(30).members)
noticed = 0
if membership == "static":
    before = [second.generations, third.generations]
    first.leave()
    first = Member("one")
    work(first, second, third)
    noticed = [second.generations, third.generations] != before
    leaving = [first, second, third]
    last = [first, second, third]
else:
    first.leave()
    work(second, third)
    fourth = Member("four")
    work(second, third, fourth)
    fifth = Member("five")
    second.leave()
    work(third, fourth, fifth)
    third.leave()
    fourth.leave()
    work(fifth)
    last = [fifth]
stopped.set()
sending.join()
while len(counts) < sent:
    time.sleep(0.02)
for member in last:
    member.leave()

asked = [ConsumerGroupTopicPartitions(group)]
positions = admin.list_consumer_group_offsets(asked)[group].result(30).topic_partitions
places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
ends = admin.list_offsets({place: OffsetSpec.latest() for place in places})
at_end = sum(ends[place].result(30).offset == place.offset for place in positions)
twice = sum(count > 1 for count in counts.values())
print(f"{sent} sent, {twice} read twice, at most {longest * 1000:.0f} ms of rest", file=sys.stderr)
print(
    json.dumps(
        {
            "together": together,
            "unseen": sent - len(counts),
            "behindCommit": behind_commit,
            "stoodStill": int(longest * 1000 > REBALANCE_MS),
            "noticed": int(noticed),
            "committedToEnd": at_end,
        }
    )
)
