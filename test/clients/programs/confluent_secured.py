"""Signs in by each mechanism, sends and reads; then what must be refused.

Arguments: bootstrap address, certificate, user, password, topic, topic of others, group, count.
"""

import json
import sys
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

address, certificate, user, password, topic, foreign, group, count = sys.argv[1:9]
MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
told = dict.fromkeys(
    ["signedIn", "received", "wrongPassword", "unknownUser", "topic", "group"], 0
)


def settings(mechanism, name, secret):
    return {
        "bootstrap.servers": address,
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": certificate,
        "sasl.mechanism": mechanism,
        "sasl.username": name,
        "sasl.password": secret,
    }


def delivered(producer, to, values):
    """The error of each message, None where it was taken."""
    errors = []
    for value in values:
        producer.produce(to, value, on_delivery=lambda error, _message: errors.append(error))
    producer.flush(30)
    return errors


def refused(mechanism, name, secret):
    """Whether the client is told that it may not come in."""
    codes = []
    producer = Producer(
        {
            **settings(mechanism, name, secret),
            "error_cb": lambda error: codes.append(error.code()),
            # One attempt: each further one is answered later.
            "reconnect.backoff.ms": 10_000,
            "reconnect.backoff.max.ms": 10_000,
        }
    )
    ends = time.monotonic() + 30
    while KafkaError._AUTHENTICATION not in codes and time.monotonic() < ends:
        producer.poll(0.1)
    return KafkaError._AUTHENTICATION in codes


for at, mechanism in enumerate(MECHANISMS):
    producer = Producer({**settings(mechanism, user, password), "topic.metadata.refresh.interval.ms": 1000})
    own = f"{topic}-{at}"
    errors = delivered(producer, own, [str(value) for value in range(int(count))])
    told["signedIn"] += errors == [None] * int(count)
    consumer = Consumer(
        {
            **settings(mechanism, user, password),
            "group.id": f"{group}-{at}",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([own])
    received = 0
    while received < int(count):
        message = consumer.poll(30)
        if message is None:
            raise SystemExit(f"nothing more came after {received}")
        if message.error():
            raise KafkaException(message.error())
        received += 1
    consumer.close()
    told["received"] += received
    told["wrongPassword"] += refused(mechanism, user, password + "!")
    told["unknownUser"] += refused(mechanism, "stranger", password)
    (error,) = delivered(producer, foreign, ["value"])
    told["topic"] += error is not None and error.name() == "TOPIC_AUTHORIZATION_FAILED"
    stranger = Consumer({**settings(mechanism, user, password), "group.id": "foreign"})
    stranger.subscribe([own])
    message = stranger.poll(30)
    denied = message is not None and message.error() is not None
    told["group"] += denied and message.error().name() == "GROUP_AUTHORIZATION_FAILED"
    stranger.close()
print(json.dumps(told))
