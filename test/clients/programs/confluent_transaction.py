"""Commits one transaction and aborts another; a reader of committed records sees the first alone.

Arguments: bootstrap address, topic, transactional id, count.
"""

import json
import sys

from confluent_kafka import Consumer, Producer

address, topic, transactional_id, count = sys.argv[1:5]

producer = Producer({"bootstrap.servers": address, "transactional.id": transactional_id})
producer.init_transactions(30)


def send(prefix):
    producer.begin_transaction()
    for position in range(int(count)):
        producer.produce(topic, f"{prefix} {position}")
        producer.poll(0)
    producer.flush(30)


send("aborted")
producer.abort_transaction(30)
send("committed")
producer.commit_transaction(30)

consumer = Consumer(
    {
        "bootstrap.servers": address,
        "group.id": f"{topic}-readers",
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
    }
)
consumer.subscribe([topic])
read = set()
while True:
    message = consumer.poll(30)
    if message is None:
        raise SystemExit(f"no end was told after {len(read)}")
    if message.error():
        if message.error().name() == "_PARTITION_EOF":
            break
        raise SystemExit(str(message.error()))
    text = message.value().decode()
    if not text.startswith("committed "):
        raise SystemExit(f"an aborted record was served: {text}")
    read.add(text)
consumer.close()
print(json.dumps({"committed": int(count), "aborted": int(count), "readCommitted": len(read)}))
