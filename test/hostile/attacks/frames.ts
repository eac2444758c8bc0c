/** Frames that no honest client sends, by a seed: the same seed gives the same frames. */

import { API_TABLES, type ApiName } from "../../../src/embedded/kafka/codec/generated/apis.ts";
import { requestBytes } from "../client.ts";

export type Chance = () => number;

/** Mulberry32: small, and good enough to disagree with a parser. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const below = (chance: Chance, max: number): number => Math.floor(chance() * max);

export interface HostileFrame {
  readonly kind: string;
  readonly bytes: Buffer;
}

/** Well-formed, and harmless to the data of others. */
function honest(chance: Chance): Buffer {
  const topics = [{ name: `t${below(chance, 5)}` }, { name: "x".repeat(below(chance, 300)) }];
  const requests: readonly (() => Buffer)[] = [
    () => requestBytes("ApiVersions", { clientSoftwareName: "a", clientSoftwareVersion: "1" }),
    () => requestBytes("Metadata", { topics, allowAutoTopicCreation: false }),
    () => requestBytes("FindCoordinator", { keyType: 0, coordinatorKeys: ["g", "h"] }),
    () => requestBytes("OffsetFetch", { groups: [{ groupId: "g", topics: null }] }),
    () =>
      requestBytes("ListOffsets", { topics: [{ name: "t", partitions: [{ partitionIndex: 0 }] }] }),
    () => requestBytes("JoinGroup", { groupId: "g", protocolType: "consumer", protocols: [] }),
    () => requestBytes("Produce", { acks: 1, topicData: [] }),
  ];
  return requests[below(chance, requests.length)]!();
}

const withLength = (length: number, body: Buffer): Buffer => {
  const header = Buffer.alloc(4);
  header.writeInt32BE(length);
  return Buffer.concat([header, body]);
};

const KEYS = Object.values(API_TABLES).map(({ key }) => key);
const NAMES: readonly ApiName[] = ["ApiVersions", "Metadata", "Produce", "Fetch", "SaslHandshake"];

const KINDS: Readonly<Record<string, (chance: Chance) => Buffer>> = {
  truncated(chance) {
    const frame = honest(chance).subarray(4);
    const cut = frame.subarray(0, below(chance, frame.length));
    return withLength(cut.length, cut);
  },
  oversize: (chance) => withLength(2 ** 27 + below(chance, 2 ** 30), Buffer.alloc(10)),
  negative: (chance) => withLength(-1 - below(chance, 2 ** 31 - 1), honest(chance)),
  /** Every length and count of the protocol is somewhere in the body. */
  counts(chance) {
    const frame = honest(chance);
    const at = 8 + below(chance, frame.length - 11);
    frame.writeInt32BE([2 ** 31 - 1, -2, -(2 ** 31), 2 ** 24][below(chance, 4)]!, at);
    return frame;
  },
  varints(chance) {
    const frame = honest(chance);
    const at = 12 + below(chance, Math.max(1, frame.length - 17));
    Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]).copy(frame, at);
    return frame;
  },
  "unknown key"(chance) {
    const frame = honest(chance);
    let key = below(chance, 2 ** 16) - 2 ** 15;
    while (KEYS.includes(key)) key++;
    frame.writeInt16BE(key, 4);
    return frame;
  },
  "unknown version"(chance) {
    const frame = honest(chance);
    frame.writeInt16BE(API_TABLES[NAMES[below(chance, NAMES.length)]!].key, 4);
    frame.writeInt16BE(100 + below(chance, 2 ** 15 - 100), 6);
    return frame;
  },
  random(chance) {
    const bytes = Buffer.from(Array.from({ length: below(chance, 400) }, () => below(chance, 256)));
    return withLength(bytes.length, bytes);
  },
  "bits flipped"(chance) {
    const frame = honest(chance);
    for (let flips = 1 + below(chance, 5); flips > 0; flips--) {
      const at = 4 + below(chance, frame.length - 4);
      frame[at]! ^= 1 << below(chance, 8);
    }
    return frame;
  },
  "no length"(chance) {
    return Buffer.from(Array.from({ length: 1 + below(chance, 200) }, () => below(chance, 256)));
  },
};

export const FRAME_KINDS: readonly string[] = Object.keys(KINDS);

export function hostileFrame(chance: Chance): HostileFrame {
  const kind = FRAME_KINDS[below(chance, FRAME_KINDS.length)]!;
  return { kind, bytes: KINDS[kind]!(chance) };
}
