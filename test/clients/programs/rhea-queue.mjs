// Sends messages, and receives, accepts, releases once and rejects them; then reads the dead letters.
// Arguments: host, port, queue, count. Every tenth message is released the first time it comes, and
// every hundredth rejected.
import { setImmediate } from "node:timers/promises";
import rhea from "rhea";

const [host, port, queue, text] = process.argv.slice(2);
const count = Number(text);
const connection = rhea.create_container().connect({ host, port: Number(port), reconnect: false });
const fail = (context) => {
  throw context.error ?? context.connection.error ?? new Error("the connection ended");
};
connection.on("disconnected", fail);
connection.on("connection_error", fail);

let sent = 0;
let accepted = 0;
const sender = connection.open_sender({ target: queue });
await new Promise((done, reject) => {
  sender.on("sender_error", ({ sender: link }) => reject(link.error));
  sender.on("rejected", () => reject(new Error("a message was refused")));
  sender.on("sendable", () => {
    for (; sender.sendable() && sent < count; sent++) {
      sender.send({ message_id: `m-${sent}`, durable: true, body: `${sent}` });
    }
  });
  sender.on("accepted", () => {
    if (++accepted === count) done();
  });
});

async function receive(address, expected, settle) {
  const receiver = connection.open_receiver({
    source: address,
    autoaccept: false,
    credit_window: 0,
  });
  await new Promise((done, reject) => {
    let settled = 0;
    let turn = Promise.resolve();
    // One outcome a turn: rhea sends two outcomes of one turn as one, that of the first.
    const inTurn = async ({ message, delivery }) => {
      await setImmediate();
      if (settle(Number(message.body), delivery)) settled++;
      receiver.add_credit(1);
      if (settled === expected) done();
    };
    receiver.on("receiver_error", ({ receiver: link }) => reject(link.error));
    receiver.on("receiver_open", () => receiver.add_credit(50));
    receiver.on("message", (context) => {
      turn = turn.then(() => inTurn(context)).catch(reject);
    });
  });
  await new Promise((done) => {
    receiver.once("receiver_close", done);
    receiver.close();
  });
}

const seen = new Set();
let released = 0;
let rejected = 0;
await receive(queue, count, (position, delivery) => {
  if (position % 10 === 0 && !seen.has(position)) {
    released++;
    delivery.release();
    seen.add(position);
    return false;
  }
  seen.add(position);
  if (position % 100 === 1) {
    rejected++;
    delivery.reject({ condition: "trial:unwanted", description: "every hundredth" });
  } else {
    delivery.accept();
  }
  return true;
});
let deadLetters = 0;
await receive(`${queue}/$dead`, rejected, (_position, delivery) => {
  deadLetters++;
  delivery.accept();
  return true;
});
connection.removeAllListeners("disconnected");
connection.close();
console.log(JSON.stringify({ accepted, distinct: seen.size, released, rejected, deadLetters }));
