/** AMQP 1.0 by hand: just the frames that attackers send, well-formed and not. */

import type { Chance, HostileFrame } from "./frames.ts";

export const HEADER: Buffer = Buffer.from("AMQP\0\x01\0\0", "latin1");
const SASL_HEADER = Buffer.from("AMQP\x03\x01\0\0", "latin1");

const uint = (value: number): Buffer => {
  const bytes = Buffer.from([0x70, 0, 0, 0, 0]);
  bytes.writeUInt32BE(value, 1);
  return bytes;
};
const text = (value: string): Buffer =>
  Buffer.concat([Buffer.from([0xa1, value.length]), Buffer.from(value)]);
const NULL = Buffer.from([0x40]);
const TRUE = Buffer.from([0x41]);
const FALSE = Buffer.from([0x42]);

/** A described list. */
function composite(code: number, fields: readonly Buffer[]): Buffer {
  const contents = Buffer.concat(fields);
  const head = Buffer.from([0, 0x53, code, 0xd0, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(contents.length + 4, 4);
  head.writeUInt32BE(fields.length, 8);
  return Buffer.concat([head, contents]);
}

export function frame(
  channel: number,
  body: Buffer,
  { type = 0, payload = NOTHING }: { readonly type?: number; readonly payload?: Buffer } = {},
): Buffer {
  const head = Buffer.from([0, 0, 0, 0, 2, type, 0, 0]);
  head.writeUInt32BE(head.length + body.length + payload.length, 0);
  head.writeUInt16BE(channel, 6);
  return Buffer.concat([head, body, payload]);
}

const NOTHING = Buffer.alloc(0);
const WINDOW = 1_000_000;

export const open: Buffer = frame(0, composite(0x10, [text("hostile")]));

export function begin(channel: number): Buffer {
  return frame(channel, composite(0x11, [NULL, uint(0), uint(WINDOW), uint(WINDOW)]));
}

export function attach(
  channel: number,
  {
    handle,
    address,
    sends,
  }: { readonly handle: number; readonly address: string; readonly sends: boolean },
): Buffer {
  const source = composite(0x28, sends ? [] : [text(address)]);
  const target = composite(0x29, sends ? [text(address)] : []);
  const role = sends ? FALSE : TRUE;
  const name = text(`${sends ? "s" : "r"}${handle}`);
  const rest = sends ? [NULL, NULL, uint(0)] : [];
  return frame(
    channel,
    composite(0x12, [name, uint(handle), role, NULL, NULL, source, target, ...rest]),
  );
}

export function detach(channel: number, handle: number): Buffer {
  return frame(channel, composite(0x16, [uint(handle), TRUE]));
}

/** Credit for a receiving link. */
export function flow(channel: number, handle: number, credit: number): Buffer {
  const session = [uint(0), uint(WINDOW), uint(0), uint(WINDOW)];
  return frame(channel, composite(0x13, [...session, uint(handle), uint(0), uint(credit)]));
}

/** The first frame of a delivery names it, those that follow are only its payload. */
export function transfer(
  channel: number,
  {
    handle,
    id,
    payload,
  }: { readonly handle: number; readonly id?: number; readonly payload: Buffer },
): Buffer {
  const tag = Buffer.from([0xa0, 4, 0, 0, 0, 0]);
  if (id !== undefined) tag.writeUInt32BE(id, 2);
  const first = id === undefined ? [NULL, NULL, NULL] : [uint(id), tag, uint(0)];
  const body = composite(0x14, [uint(handle), ...first, FALSE, TRUE]);
  return frame(channel, body, { payload });
}

/** The beginning of a message whose body is of a megabyte. */
export const ENDLESS: Buffer = Buffer.from([0, 0x53, 0x75, 0xb0, 0, 0x10, 0, 0]);

export const SESSION: Buffer = Buffer.concat([HEADER, open, begin(0)]);

const below = (chance: Chance, max: number): number => Math.floor(chance() * max);
const random = (chance: Chance, length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => below(chance, 256)));

function honest(chance: Chance): Buffer {
  const address = `a${below(chance, 3)}`;
  const requests = [
    begin(1),
    attach(0, { handle: 0, address, sends: true }),
    attach(0, { handle: 1, address, sends: false }),
    detach(0, 7),
    frame(0, composite(0x17, [])),
    frame(0, composite(0x15, [TRUE, uint(0), uint(2 ** 32 - 1)])),
  ];
  return requests[below(chance, requests.length)]!;
}

const KINDS: Readonly<Record<string, (chance: Chance) => Buffer>> = {
  "another protocol": (chance) => random(chance, 40),
  "another version": () => Buffer.from("AMQP\0\x09\x01\0", "latin1"),
  oversize(chance) {
    const bytes = Buffer.from([0, 0, 0, 0, 2, 0, 0, 0]);
    bytes.writeUInt32BE(200_000 + below(chance, 2 ** 31), 0);
    return Buffer.concat([SESSION, bytes, random(chance, 100)]);
  },
  undersize: (chance) =>
    Buffer.concat([SESSION, Buffer.from([0, 0, 0, below(chance, 8), 2, 0, 0, 0])]),
  "data offset": (chance) =>
    Buffer.concat([SESSION, Buffer.from([0, 0, 0, 9, 3 + below(chance, 200), 0, 0, 0, 0])]),
  "bits flipped"(chance) {
    const bytes = honest(chance);
    for (let flips = 1 + below(chance, 5); flips > 0; flips--) {
      bytes[below(chance, bytes.length)]! ^= 1 << below(chance, 8);
    }
    return Buffer.concat([SESSION, bytes]);
  },
  truncated(chance) {
    const bytes = honest(chance);
    const cut = Buffer.from(bytes.subarray(0, 8 + below(chance, bytes.length - 8)));
    cut.writeUInt32BE(cut.length, 0);
    return Buffer.concat([SESSION, cut]);
  },
  counts(chance) {
    const bytes = Buffer.from(honest(chance));
    bytes.writeUInt32BE(
      [2 ** 32 - 1, 2 ** 31, 2 ** 24][below(chance, 3)]!,
      12 + 4 * below(chance, 2),
    );
    return Buffer.concat([SESSION, bytes]);
  },
  "random frame": (chance) =>
    Buffer.concat([SESSION, frame(0, random(chance, below(chance, 300)))]),
  nested: (chance) =>
    Buffer.concat([SESSION, frame(0, Buffer.alloc(1_000 + below(chance, 60_000)))]),
  channel: (chance) => Buffer.concat([SESSION, begin(64 + below(chance, 60_000))]),
  "no session": (chance) => Buffer.concat([HEADER, open, honest(chance)]),
  "signing in": (chance) =>
    Buffer.concat([SASL_HEADER, frame(0, random(chance, 60), { type: 1 }), random(chance, 60)]),
  "signing in without end": (chance) =>
    Buffer.concat([SASL_HEADER, ...Array.from({ length: 50 }, () => signIn(random(chance, 50)))]),
};

function signIn(response: Buffer): Buffer {
  const mechanism = Buffer.concat([Buffer.from([0xa3, 5]), Buffer.from("PLAIN")]);
  const told = Buffer.concat([Buffer.from([0xa0, response.length]), response]);
  return frame(0, composite(0x41, [mechanism, told]), { type: 1 });
}

const NAMES = Object.keys(KINDS);

export function hostileAmqp(chance: Chance): HostileFrame {
  const kind = NAMES[below(chance, NAMES.length)]!;
  return { kind, bytes: KINDS[kind]!(chance) };
}
