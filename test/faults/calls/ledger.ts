/**
 * What the clients have asked, what they were answered and what they were served, and the laws that
 * hold between these whatever the disk did.
 */

export interface Batch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly string[];
  readonly bytes: Buffer;
  /** Of the first record, once it is acknowledged. */
  offset: number | undefined;
}

/** One try at a transaction; the next try has records of its own. */
export interface Attempt {
  readonly name: string;
  readonly position: number;
  readonly ends: "commit" | "abort";
  readonly batches: Batch[];
  endAsked: boolean;
  endAnswered: boolean;
}

export interface Placed {
  readonly offset: number;
  readonly record: string;
}

/** A law that was broken. */
export class LawBroken extends Error {
  override readonly name = "LawBroken";
  readonly law: Law;

  constructor(law: Law, text: string) {
    super(`${law}: ${text}`);
    this.law = law;
  }
}

export type Law =
  | "lost"
  | "served what was not written"
  | "an offset with two meanings"
  | "acknowledged after the fault"
  | "others were stopped"
  | "a wrong answer"
  | "no answer"
  | "not restarted cleanly"
  | "not finished after the restart"
  | "not finished when there was room"
  | "taken below the floor"
  | "not let go below the floor"
  | "half a transaction"
  | "files of nobody"
  | "a lost position"
  | "a wrong message of a queue";

export class Ledger {
  readonly batches: Batch[] = [];
  readonly attempts: Attempt[] = [];
  /** What readers were given, by partition and offset. */
  readonly #served = new Map<string, Map<number, string>>();
  readonly positionsAsked = new Set<number>([-1]);
  positionAnswered = -1;
  readonly jobs = new Map<string, Job>();
  /** Answers that were errors, counted. */
  readonly answers = new Map<string, number>();

  /** Records and messages whose taking was answered. */
  get taken(): number {
    const batches = this.batches.filter(({ offset }) => offset !== undefined).length;
    return batches + this.#jobsThat(({ sent }) => sent === "answered");
  }

  /** Messages of the queue that are there for certain. */
  get waitingJobs(): number {
    return this.#jobsThat(({ sent, gone }) => sent === "answered" && gone === "no");
  }

  #jobsThat(holds: (job: Job) => boolean): number {
    return this.jobs.values().reduce((sum, job) => sum + (holds(job) ? 1 : 0), 0);
  }

  serve(topic: string, partition: number, placed: readonly Placed[]): void {
    const key = `${topic}/${partition}`;
    const served = this.#served.get(key) ?? new Map<number, string>();
    this.#served.set(key, served);
    const own = this.batchesOf(topic, partition);
    for (const { offset, record } of placed) {
      const before = served.get(offset);
      if (before !== undefined && before !== record) {
        throw new LawBroken(
          "an offset with two meanings",
          `${key}@${offset} was ${before} and is ${record}`,
        );
      }
      served.set(offset, record);
      if (!own.some(({ records }) => records.includes(record))) {
        throw new LawBroken("served what was not written", `${key}@${offset} is ${record}`);
      }
    }
  }

  batchesOf(topic: string, partition: number): readonly Batch[] {
    return this.batches.filter((one) => one.topic === topic && one.partition === partition);
  }

  /** Of a partition read whole, by a reader of everything, from its earliest offset on. */
  checkContents(
    topic: string,
    partition: number,
    { earliest, all }: { readonly earliest: number; readonly all: readonly Placed[] },
  ): void {
    this.serve(topic, partition, all);
    const found = new Map(all.map(({ offset, record }) => [offset, record]));
    const seen = new Set<string>();
    for (const { record, offset } of all) {
      if (seen.has(record)) {
        throw new LawBroken("served what was not written", `${record} a second time at ${offset}`);
      }
      seen.add(record);
    }
    for (const { offset: first, records } of this.batchesOf(topic, partition)) {
      for (const [index, record] of records.entries()) {
        if (first === undefined || first + index < earliest) continue;
        const now = found.get(first + index);
        if (now === record) continue;
        const shown = `${topic}/${partition}@${first + index}`;
        throw new LawBroken("lost", `${record} was acknowledged at ${shown}, where ${now} is`);
      }
    }
    const sequenced = all.filter(({ record }) => record.startsWith(`${topic}.`));
    const order = sequenced.map(({ record }) => Number(record.split(":")[1]));
    if (order.some((number, index) => index > 0 && number < order[index - 1]!)) {
      throw new LawBroken("served what was not written", `${topic}/${partition} is out of order`);
    }
  }

  /** Every attempt is there as a whole or not at all, and as its answer said. */
  checkTransactions(committed: ReadonlyMap<string, readonly Placed[]>, position: number): void {
    let last = -1;
    for (const attempt of this.attempts) {
      const { name, ends, batches, endAsked, endAnswered } = attempt;
      const records = batches.flatMap((batch) =>
        batch.records.map((record) => ({ record, key: `${batch.topic}/${batch.partition}` })),
      );
      const visible = records.filter(({ record, key }) =>
        committed.get(key)?.some((placed) => placed.record === record),
      ).length;
      const must = ends === "abort" || !endAsked ? 0 : endAnswered ? records.length : undefined;
      const whole = visible === 0 || visible === records.length;
      if (whole && (must === undefined || visible === must)) {
        if (visible > 0) last = attempt.position;
        continue;
      }
      const asked = endAnswered ? "answered" : endAsked ? "asked" : "never asked";
      const text = `${visible} of ${records.length} records of ${name}, ${ends}, ${asked}`;
      throw new LawBroken("half a transaction", text);
    }
    if (position !== last) {
      throw new LawBroken("half a transaction", `its position is ${position}, and not ${last}`);
    }
  }

  /** What a member was told is where it goes on. */
  servePosition(position: number): void {
    this.checkPosition(position);
    this.positionAnswered = position;
  }

  checkPosition(position: number): void {
    const { positionAnswered } = this;
    if (position >= positionAnswered && this.positionsAsked.has(position)) return;
    throw new LawBroken("a lost position", `${position} after ${positionAnswered} was answered`);
  }

  told(api: string, code: number | string): void {
    const key = `${api} ${code}`;
    this.answers.set(key, (this.answers.get(key) ?? 0) + 1);
  }
}

export interface Job {
  sent: "asked" | "answered";
  gone: "no" | "asked" | "answered";
  attempts: number;
}
