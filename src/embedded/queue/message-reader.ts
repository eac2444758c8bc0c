/**
 * Reads single messages of a queue's log by offset.
 *
 * Those asked for together mostly stand together, so a read fetches a chunk and keeps it for the
 * next ones. Reads run one after another: a thousand asked for at once find the first one's chunk.
 */

import { assert } from "../../model/assert.ts";
import type { LogRecord, PartitionLog } from "../log/open-log.ts";

const CHUNK = { count: 512, bytes: 1024 * 1024 };

export class MessageReader {
  readonly #log: PartitionLog;
  #chunk = new Map<number, LogRecord>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(log: PartitionLog) {
    this.#log = log;
  }

  read(offset: number): Promise<LogRecord> {
    const result = this.#last.then(() => this.#fetch(offset));
    this.#last = result.catch(() => {});
    return result;
  }

  async #fetch(offset: number): Promise<LogRecord> {
    if (!this.#chunk.has(offset)) {
      const { records } = await this.#log.read(offset, CHUNK);
      this.#chunk = new Map(records.map((record) => [record.offset, record]));
    }
    const record = this.#chunk.get(offset);
    assert(record !== undefined, `a message of the queue stands at offset ${offset}`);
    return record;
  }
}
