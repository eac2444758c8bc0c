/** A group that reads the stream: its position never falls back behind what was acknowledged. */

import { isMillraceError } from "../../../src/model/errors.ts";
import type { AssignedPartition } from "../../../src/broker/streams.ts";
import type { ComponentRecord, Driver, Opened, Violation } from "../driver.ts";
import type { Json, Report, Tell } from "../report.ts";
import { LEDGER_STREAM } from "./names.ts";

const GROUP = "readers";

export const groupDriver: Driver = {
  name: "group",
  start: async ({ broker, tell, life }) => {
    await broker.streams!.joinGroup({
      group: GROUP,
      streams: [LEDGER_STREAM],
      member: `reader-${life}`,
      run: (partition) => consume(partition, tell),
    });
  },
  createRecord: () => new GroupRecord(),
};

async function consume(assigned: AssignedPartition, tell: Tell): Promise<void> {
  const { partition, epoch, committed, revoked } = assigned;
  tell("assigned", partition, epoch, committed ?? 0);
  try {
    for await (const batch of assigned.read({ offset: committed ?? 0 }, { batchCount: 20 })) {
      const from = batch[0]!.offset;
      const to = batch.at(-1)!.offset + 1;
      tell("try", partition, from, to);
      await assigned.commit(to);
      tell("ack", partition, to);
    }
  } catch (error) {
    if (!revoked.aborted && !isMillraceError(error, "CLOSED")) tell("error", String(error));
  }
}

interface PartitionFacts {
  epoch: number;
  acknowledged: number;
  attempted: number;
  /** The offset that the next batch of this life must begin with. */
  next: number;
}

class GroupRecord implements ComponentRecord {
  readonly violations: Violation[] = [];
  readonly #partitions = new Map<number, PartitionFacts>();
  readonly #inFlight = new Set<number>();
  #commits = 0;
  #assignments = 0;
  #read = 0;

  take([, kind, ...facts]: Report): void {
    const [partition = 0, a = 0, b = 0] = facts.map(Number);
    const known = this.#of(partition);
    if (kind === "error") this.#report("wrong", String(facts[0]));
    else if (kind === "assigned") this.#assigned(partition, known, { epoch: a, committed: b });
    else if (kind === "try") {
      if (a !== known.next) this.#report("lost", `[${partition}] ${a} follows ${known.next - 1}`);
      known.next = b;
      known.attempted = Math.max(known.attempted, b);
      this.#read += b - a;
      this.#inFlight.add(partition);
    } else if (kind === "ack") {
      known.acknowledged = Math.max(known.acknowledged, a);
      this.#inFlight.delete(partition);
      this.#commits++;
    }
  }

  #assigned(
    partition: number,
    known: PartitionFacts,
    { epoch, committed }: { readonly epoch: number; readonly committed: number },
  ): void {
    this.#assignments++;
    if (epoch <= known.epoch) {
      this.#report("regressed", `[${partition}] epoch ${epoch} comes after ${known.epoch}`);
    }
    known.epoch = epoch;
    known.next = committed;
    this.#compare(partition, known, committed);
  }

  #compare(partition: number, known: PartitionFacts, committed: number): void {
    if (committed < known.acknowledged) {
      this.#report("regressed", `[${partition}] ${committed} is behind ${known.acknowledged}`);
    }
    if (committed > known.attempted) {
      this.#report("lost", `[${partition}] ${committed} is beyond ${known.attempted}`);
    }
  }

  #of(partition: number): PartitionFacts {
    const known = this.#partitions.get(partition);
    if (known) return known;
    const fresh = { epoch: -1, acknowledged: 0, attempted: 0, next: 0 };
    this.#partitions.set(partition, fresh);
    return fresh;
  }

  died(): ReturnType<ComponentRecord["died"]> {
    const group = this.#inFlight.size;
    this.#inFlight.clear();
    return { group };
  }

  resume(): Json {
    return null;
  }

  async verify({ broker }: Opened): Promise<void> {
    if (this.#partitions.size === 0) return;
    const { positions } = await broker.streams!.describeGroup(GROUP);
    for (const { stream, partition, committed = 0 } of positions) {
      if (stream === LEDGER_STREAM) this.#compare(partition, this.#of(partition), committed);
    }
  }

  #report(kind: Violation["kind"], text: string): void {
    this.violations.push({ kind, text: `group ${GROUP}${text}` });
  }

  get totals(): ComponentRecord["totals"] {
    return {
      "assignments checked": this.#assignments,
      "positions acknowledged": this.#commits,
      "messages read": this.#read,
    };
  }
}
