/**
 * Bytes that are no message of the Kafka protocol. `field` names what was being read, with message and
 * version; `at` is where in the frame. Nothing sensible can follow on that connection: it is closed.
 */
export class MalformedFrame extends Error {
  override readonly name = "MalformedFrame";
  readonly what: string;
  readonly field: string;
  readonly at: number;

  constructor(what: string, field: string, at: number) {
    super(`${field} at byte ${at}: ${what}`);
    this.what = what;
    this.field = field;
    this.at = at;
  }
}
