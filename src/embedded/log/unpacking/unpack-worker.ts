/** The thread that unpacks: one task after another, for as long as the process lives. */

import { parentPort } from "node:worker_threads";
import { runUnpackTask, type UnpackAnswer, type UnpackTask } from "./unpack-task.ts";

const port = parentPort!;

port.on("message", (task: UnpackTask) => {
  const answer: UnpackAnswer = { id: task.id, ...runUnpackTask(task) };
  port.postMessage(answer, answer.kind === "contents" ? [answer.bytes.buffer] : []);
});
