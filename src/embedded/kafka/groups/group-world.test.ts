/**
 * A group and clients that obey the protocol, one step at a time, held to what a group promises.
 *
 * After every step: a generation has one leader and one protocol; what its members were given is what the
 * leader wrote, and no two of them have a partition in common; nobody commits under a former generation
 * or a former id; generations rise; nothing is answered twice. At rest (`comeToRest`): nobody asks any
 * more, time passes, and then every request has been answered and nobody is left.
 */

import assert from "node:assert/strict";
import { ERROR } from "../error-codes.ts";
import { GroupStage, type Asked } from "./group-stage.test.ts";
import type { Answer, JoinAnswer, SyncAnswer } from "./group-messages.ts";

export interface ClientKind {
  readonly instanceId: string | null;
  /** Comes back with the id that it is given. */
  readonly fetchesMemberId: boolean;
  readonly maySkipAssignment: boolean;
}

export const STEPS = ["join", "sync", "beat", "leave", "die", "again", "change"] as const;
export type Step = (typeof STEPS)[number];

/** A step of a client, or of time where there is no client. */
export interface Move {
  readonly client?: number;
  readonly step: Step | "wait";
}

type Phase = "out" | "joining" | "joined" | "syncing" | "stable";

interface Client {
  readonly kind: ClientKind;
  phase: Phase;
  memberId: string;
  generation: number;
  /** Those whom it has to assign, where it leads. */
  leads: readonly string[];
  /** Changes with what it subscribes. */
  subscription: number;
  join: Asked<JoinAnswer> | undefined;
  sync: Asked<SyncAnswer> | undefined;
}

interface Generation {
  protocolName: string | null;
  /** By instance where it is a static member, whose id may change. */
  leader: string | undefined;
  written: Map<string, string> | undefined;
}

const PARTITIONS = 4;

export class GroupWorld {
  readonly stage: GroupStage;
  readonly #clients: Client[];
  readonly #asked: Asked<Answer>[] = [];
  readonly #generations = new Map<number, Generation>();
  readonly #claims = new Set<string>();
  #newest = 0;

  constructor(kinds: readonly ClientKind[]) {
    this.stage = new GroupStage();
    this.#clients = kinds.map((kind) => ({
      kind,
      phase: "out",
      memberId: "",
      generation: -1,
      leads: [],
      subscription: 0,
      join: undefined,
      sync: undefined,
    }));
  }

  /** Every move that a client that obeys may make now. */
  moves(): Move[] {
    const moves: Move[] = this.#clients.flatMap(({ phase, memberId }, client) => {
      const steps: Step[] = [];
      if (phase === "out") steps.push("join");
      if (phase === "joining") steps.push("again", "die");
      if (phase === "joined") steps.push("sync", "beat", "die");
      if (phase === "syncing") steps.push("die");
      if (phase === "stable") steps.push("beat", "change", "die");
      if (memberId !== "") steps.push("leave");
      return steps.map((step) => ({ client, step }));
    });
    if (this.stage.machine.wakeAtMs < Infinity) moves.push({ step: "wait" });
    return moves;
  }

  take({ client: index, step }: Move): void {
    if (index === undefined || step === "wait") this.stage.wake();
    else this.#act(this.#clients[index]!, step);
    this.#hear();
    this.#check();
  }

  /** Lets time pass until nothing is waited for. */
  comeToRest(): void {
    const { machine } = this.stage;
    let wakes = 0;
    while (machine.wakeAtMs < Infinity) {
      assert.ok(++wakes < 100, "a group comes to rest");
      this.stage.wake();
    }
    const open = this.#asked.filter(({ answer }) => answer === undefined);
    assert.equal(open.length, 0, "every request is answered");
    assert.ok(machine.isVacant, "nobody is left");
  }

  /** Equal for worlds that go on alike, as far as can be seen from outside. */
  fingerprint(): string {
    const { machine, nowMs } = this.stage;
    const owner = new Map(this.#clients.map(({ memberId }, index) => [memberId, index]));
    const left = (ms: number): number => (ms === Infinity ? -1 : ms - nowMs);
    const members = Array.from(machine.members.values(), (member) => [
      owner.get(member.id) ?? member.profile.instanceId ?? "gone",
      member.joining !== undefined,
      member.syncing !== undefined,
      member.synced,
      member.fresh,
      left(member.sessionEndsMs),
      String(member.profile.protocols[0]?.metadata),
    ]);
    const clients = this.#clients.map((client) => [
      client.phase,
      client.memberId === "",
      client.generation - machine.generation,
      client.leads.length,
      client.subscription,
    ]);
    const leader = machine.leader === undefined ? -1 : (owner.get(machine.leader) ?? "gone");
    const { phase, isVacant, wakeAtMs } = machine;
    return JSON.stringify([phase, isVacant, left(wakeAtMs), leader, members, clients]);
  }

  #act(client: Client, step: Step): void {
    const { stage } = this;
    const { memberId, generation, kind } = client;
    const { instanceId } = kind;
    if (step === "change") client.subscription = 1 - client.subscription;
    if (step === "join" || step === "again" || step === "change") {
      this.#join(client);
    } else if (step === "sync") {
      client.phase = "syncing";
      const written = this.#assign(client);
      const claim = { memberId, instanceId, generation, protocolType: "consumer" };
      client.sync = this.#keep(stage.sync(claim, Object.fromEntries(written)));
    } else if (step === "beat") {
      const error = stage.heartbeat(memberId, generation, instanceId);
      if (error !== ERROR.NONE) this.#lose(client, error);
    } else {
      if (step === "leave") stage.leave({ memberId, instanceId });
      // Whatever it has asked is answered into nothing.
      Object.assign(client, { phase: "out", memberId: "", join: undefined, sync: undefined });
    }
  }

  #join(client: Client): void {
    const { memberId, kind, subscription } = client;
    client.phase = "joining";
    client.join = this.#keep(
      this.stage.join({ ...kind, memberId, protocols: { range: String(subscription) } }),
    );
  }

  /** What a leader writes: each partition to one of those whom it was told of. */
  #assign({ leads, generation, memberId }: Client): Map<string, string> {
    const written = new Map(leads.map((id) => [id, ""]));
    if (leads.length === 0) return written;
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const id = leads[partition % leads.length]!;
      written.set(id, `${written.get(id)!}${partition}`);
    }
    const { machine } = this.stage;
    const counts = machine.phase === "syncing" && machine.leader === memberId;
    if (counts && machine.generation === generation) {
      this.#generations.get(generation)!.written = written;
    }
    return written;
  }

  #keep<Kind extends Answer>(asked: Asked<Kind>): Asked<Kind> {
    this.#asked.push(asked);
    return asked;
  }

  /** Tells the clients what was answered. */
  #hear(): void {
    for (const client of this.#clients) {
      const { join, sync } = client;
      if (join?.answer !== undefined) {
        client.join = undefined;
        this.#joined(client, join.answer);
      }
      if (sync?.answer !== undefined) {
        client.sync = undefined;
        this.#synced(client, sync.answer);
      }
    }
  }

  #joined(client: Client, answer: JoinAnswer): void {
    if (answer.error === ERROR.MEMBER_ID_REQUIRED) {
      client.memberId = answer.memberId;
      this.#join(client);
      this.#hear();
      return;
    }
    if (answer.error !== ERROR.NONE) {
      this.#lose(client, answer.error);
      return;
    }
    const { memberId, generation, leader, members, protocolName } = answer;
    assert.equal(generation, this.stage.machine.generation, "joins are told the newest generation");
    assert.ok(generation >= this.#newest, "generations rise");
    this.#newest = generation;
    const leads = leader === memberId;
    assert.equal(members.length > 0, leads, "the leader alone is told of the members");
    const known = this.#generations.get(generation) ?? {
      protocolName,
      leader: undefined,
      written: undefined,
    };
    this.#generations.set(generation, known);
    assert.equal(protocolName, known.protocolName, "a generation has one protocol");
    if (leads) {
      const name = client.kind.instanceId ?? memberId;
      known.leader ??= name;
      assert.equal(name, known.leader, "a generation has one leader");
    }
    const assigns = leads && !answer.skipAssignment;
    const ids = assigns ? members.map((member) => member.memberId) : [];
    Object.assign(client, { phase: "joined", memberId, generation, leads: ids });
    this.#claims.add(`${memberId} ${generation} ${client.kind.instanceId ?? ""}`);
  }

  #synced(client: Client, { error, assignment }: SyncAnswer): void {
    if (error !== ERROR.NONE) {
      this.#lose(client, error);
      return;
    }
    client.phase = "stable";
    const known = this.#generations.get(client.generation);
    assert.ok(known?.written, "nobody is given an assignment before the leader wrote it");
    assert.ok(
      [...known.written.values(), ""].includes(String(assignment)),
      "members are given what the leader wrote",
    );
  }

  #lose(client: Client, error: number): void {
    client.phase = "out";
    if (error !== ERROR.REBALANCE_IN_PROGRESS) client.memberId = "";
  }

  #check(): void {
    const { machine } = this.stage;
    const { members, generation, phase, leader } = machine;
    if (phase === "stable" || phase === "syncing") {
      assert.ok(leader !== undefined && members.has(leader), "the leader is a member");
    }
    if (phase === "stable") {
      const given = Array.from(members.values(), ({ assignment }) => String(assignment)).join("");
      assert.equal(new Set(given).size, given.length, "no partition is given to two members");
    }
    for (const claim of this.#claims) {
      const [memberId = "", claimed, instance] = claim.split(" ");
      if (Number(claimed) === generation && members.has(memberId)) continue;
      const instanceId = instance === "" ? null : instance!;
      const error = this.stage.commit({ memberId, instanceId, generation: Number(claimed) });
      assert.notEqual(error, ERROR.NONE, `${memberId} does not commit for generation ${claimed}`);
    }
  }
}
