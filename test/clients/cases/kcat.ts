import type { ClientCase, ClientPlace, Counts } from "../client-case.ts";

const COMPRESSIONS = ["none", "gzip", "snappy", "lz4", "zstd"];
const RECORDS = 200;
const ALL = RECORDS * COMPRESSIONS.length;

export const KCAT: readonly ClientCase[] = [
  {
    name: "kcat compressions",
    demands: { read: ALL, distinct: ALL, listed: 1 },
    run: async (place) => {
      const topic = place.name("topic");
      await produceAll(place, topic);
      const b = ["-b", place.kafka];
      const read = await place.tools.kcat([...b, "-C", "-t", topic, "-o", "beginning", "-e", "-q"]);
      const listing = await place.tools.kcat([...b, "-L", "-t", topic]);
      const listed = listing.stdout.split(`topic "${topic}" with`).length - 1;
      return { ...linesOf(read.stdout), listed };
    },
  },
  {
    name: "kcat group",
    demands: { read: ALL, distinct: ALL, readAgain: 0 },
    run: async (place) => {
      const topic = place.name("topic");
      await produceAll(place, topic);
      const args = ["-b", place.kafka, "-G", place.name("group"), "-q", "-e"];
      const fromStart = ["-X", "auto.offset.reset=earliest", topic];
      const first = await place.tools.kcat([...args, ...fromStart]);
      // It has committed where it stood, so the group's next member begins there.
      const second = await place.tools.kcat([...args, ...fromStart]);
      return { ...linesOf(first.stdout), readAgain: linesOf(second.stdout).read };
    },
  },
];

async function produceAll({ kafka, tools }: ClientPlace, topic: string): Promise<void> {
  for (const [index, compression] of COMPRESSIONS.entries()) {
    const lines = Array.from({ length: RECORDS }, (_, i) => `key ${index * RECORDS + i}\n`);
    const args = ["-b", kafka, "-P", "-t", topic, "-z", compression, "-X", "acks=all", "-K", " "];
    await tools.kcat(args, { input: lines.join("") });
  }
}

function linesOf(text: string): Counts & { readonly read: number } {
  const lines = text.split("\n").filter((line) => line !== "");
  return { read: lines.length, distinct: new Set(lines).size };
}
