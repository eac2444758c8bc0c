"""Creates a topic, sends with an idempotent producer, reads in a group and commits.

Arguments: bootstrap address, topic, group, count.
"""

import json
import sys

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

address, topic, group, count = sys.argv[1:5]
PARTITIONS = 4

admin = AdminClient({"bootstrap.servers": address})
for future in admin.create_topics([NewTopic(topic, PARTITIONS, 1)]).values():
    future.result(30)
described = admin.list_topics(topic, timeout=30).topics[topic]

sent = 0


def on_delivery(error, _message):
    global sent
    if error is not None:
        raise SystemExit(f"not delivered: {error}")
    sent += 1


producer = Producer(
    {"bootstrap.servers": address, "enable.idempotence": True, "compression.type": "zstd"}
)
for position in range(int(count)):
    producer.produce(topic, str(position), key=f"key-{position % 7}", on_delivery=on_delivery)
    producer.poll(0)
producer.flush(30)

consumer = Consumer(
    {
        "bootstrap.servers": address,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
)
consumer.subscribe([topic])
seen = set()
received = 0
while received < sent:
    message = consumer.poll(30)
    if message is None:
        raise SystemExit(f"nothing more came after {received}")
    if message.error():
        raise SystemExit(str(message.error()))
    seen.add(int(message.value()))
    received += 1
consumer.commit(asynchronous=False)
partitions = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
committed = sum(max(0, each.offset) for each in consumer.committed(partitions, timeout=30))
consumer.close()
print(
    json.dumps(
        {
            "partitions": len(described.partitions),
            "sent": sent,
            "received": received,
            "distinct": len(seen),
            "committed": committed,
        }
    )
)
