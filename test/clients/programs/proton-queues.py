"""Queues, dead letters, scheduled delivery, selectors and durable subscriptions by Qpid Proton.

Arguments: the URL of the broker, a queue, a stream. Prints what it counted as one JSON object.
"""

import json
import sys
import time

from proton import Message, Terminus, symbol
from proton.reactor import ReceiverOption, Selector
from proton.utils import BlockingConnection, LinkDetached

url, queue, stream = sys.argv[1:4]
COUNT = 200
TIMEOUT = 10


class Durable(ReceiverOption):
    def apply(self, receiver):
        receiver.source.durability = Terminus.DELIVERIES
        receiver.source.expiry_policy = Terminus.EXPIRE_NEVER


def connect(container):
    return BlockingConnection(url, timeout=TIMEOUT, container_id=container)


counts = {}
connection = connect("proton-1")

# Send and receive in order, with types that are more than text.
sender = connection.create_sender(queue)
for i in range(COUNT):
    sender.send(Message(id=i, body={"n": i}, properties={"even": i % 2 == 0}, group_id="g"))
receiver = connection.create_receiver(queue, credit=10)
in_order = 0
for i in range(COUNT):
    message = receiver.receive(timeout=TIMEOUT)
    in_order += message.body["n"] == i and message.id == i and message.delivery_count == 0
    receiver.accept()
counts["inOrder"] = in_order

# Released is not counted, failed is, rejected is a dead letter.
sender.send(Message(body="try"))
receiver.receive(timeout=TIMEOUT)
receiver.release(delivered=False)
second = receiver.receive(timeout=TIMEOUT).delivery_count
# What "delivered" means to Proton is no failure yet in the standard.
receiver.fetcher.unsettled[0].local.failed = True
receiver.release(delivered=True)
third = receiver.receive(timeout=TIMEOUT).delivery_count
receiver.reject()
counts["releasedCount"] = second
counts["failedCount"] = third
letters = connection.create_receiver(queue + "/$dead", credit=1)
letter = letters.receive(timeout=TIMEOUT)
letters.accept()
counts["deadLetters"] = int(letter.body == "try" and letter.annotations["x-opt-death-reason"] != "")
letters.close()

# Scheduled delivery.
begin = time.time()
sender.send(Message(body="later", annotations={symbol("x-opt-delivery-delay"): 300}))
receiver.receive(timeout=TIMEOUT)
receiver.accept()
counts["scheduled"] = int(time.time() - begin >= 0.3)
receiver.close()

# A durable subscription with a selector, which goes on where it was left.
def subscribe(to):
    return to.create_receiver(
        "/streams/" + stream, name="durable", credit=10, options=[Durable(), Selector("even = TRUE")]
    )


first = connect("proton-subscriber")
subscription = subscribe(first)
events = connection.create_sender("/streams/" + stream)
for i in range(10):
    events.send(Message(body=i, properties={"even": i % 2 == 0}))
seen = []
for _ in range(2):
    seen.append(subscription.receive(timeout=TIMEOUT).body)
    subscription.accept()
first.close()
for i in range(10, 14):
    events.send(Message(body=i, properties={"even": i % 2 == 0}))
again = connect("proton-subscriber")
subscription = subscribe(again)
while len(seen) < 7:
    seen.append(subscription.receive(timeout=TIMEOUT).body)
    subscription.accept()
counts["subscribed"] = int(seen == [0, 2, 4, 6, 8, 10, 12])
subscription.close()
again.close()

# What is not done is declined, and the connection goes on.
declined = 0
try:
    connection.create_receiver(queue, options=[Selector("a = 1")])
except LinkDetached as refused:
    declined += "amqp:not-implemented" in str(refused)
try:
    connection.create_receiver("no such name!")
except LinkDetached as refused:
    declined += "amqp:not-found" in str(refused)
counts["declined"] = declined

# Request and reply over a temporary queue.
replies = connection.create_receiver(None, dynamic=True)
sender.send(Message(body="?", reply_to=replies.link.remote_source.address, correlation_id="c"))
server = connection.create_receiver(queue, credit=1)
request = server.receive(timeout=TIMEOUT)
server.accept()
relay = connection.create_sender(None)
relay.send(Message(address=request.reply_to, body="!", correlation_id=request.correlation_id))
answer = replies.receive(timeout=TIMEOUT)
counts["answered"] = int(answer.body == "!" and answer.correlation_id == "c")
connection.close()

print(json.dumps(counts))
