/** A process of its own for one attack, so that what it costs is not taken from those who are measured. */

import { ATTACKS } from "./attacks.ts";

const [name = "", port = "", seed = "", share = ""] = process.argv.slice(2);
const stop = new AbortController();
process.once("message", () => stop.abort());
process.once("disconnect", () => process.exit(1));
const counts = await ATTACKS[name]!.run({
  port: Number(port),
  seed: Number(seed),
  share: Number(share),
  until: stop.signal,
  ready: () => process.send!({ ready: true }),
});
process.send!({ counts }, () => process.exit(0));
