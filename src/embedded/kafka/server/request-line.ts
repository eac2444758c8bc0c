/**
 * The requests of one connection: begun in the order in which they came, answered in that order.
 *
 * Kafka answers one request of a connection before it begins the next. Here produce requests may be
 * under way together, because each waits for a sync and one sync serves them all; their appends keep
 * their order since each is made before its handler first waits. Every other request runs alone: it
 * sees what those before it did.
 *
 * *waiting* requests have not begun, *begun* ones have; both are bounded, and `full` asks the
 * connection not to read on. An answer leaves when all before it have left.
 */

/** What a request comes to: the bytes of its answer, or undefined where none is wanted. */
export type Reply = readonly Buffer[] | undefined;

export interface LineRequest {
  /** May be under way together with others of its kind. */
  readonly overlaps: boolean;
  readonly bytes: number;
  /** Never rejects: a request that fails is answered, or ends the connection by itself. */
  run(): Promise<Reply>;
}

interface Begun {
  readonly request: LineRequest;
  done: boolean;
  reply: Reply;
}

export interface LineLimits {
  readonly begunMax: number;
  readonly countMax: number;
  readonly bytesMax: number;
}

export class RequestLine {
  readonly #limits: LineLimits;
  readonly #send: (reply: readonly Buffer[]) => void;
  readonly #waiting: LineRequest[] = [];
  readonly #begun: Begun[] = [];
  #bytes = 0;
  #held = false;
  #ended = false;

  constructor(limits: LineLimits, send: (reply: readonly Buffer[]) => void) {
    this.#limits = limits;
    this.#send = send;
  }

  get empty(): boolean {
    return this.#waiting.length + this.#begun.length === 0;
  }

  get full(): boolean {
    const { countMax, bytesMax } = this.#limits;
    return this.#waiting.length + this.#begun.length >= countMax || this.#bytes >= bytesMax;
  }

  push(request: LineRequest): void {
    this.#waiting.push(request);
    this.#bytes += request.bytes;
    this.#begin();
  }

  /** Begins nothing until `release`: the client does not read its answers. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    this.#begin();
  }

  /** Begins nothing more and sends nothing more. */
  end(): void {
    this.#ended = true;
    this.#waiting.length = 0;
  }

  #begin(): void {
    while (!this.#held && !this.#ended) {
      const next = this.#waiting[0];
      if (next === undefined || !this.#mayBegin(next)) return;
      this.#waiting.shift();
      const begun: Begun = { request: next, done: false, reply: undefined };
      this.#begun.push(begun);
      void next.run().then((reply) => {
        begun.done = true;
        begun.reply = reply;
        this.#settle();
      });
    }
  }

  #mayBegin(next: LineRequest): boolean {
    const { length } = this.#begun;
    if (length === 0) return true;
    return next.overlaps && this.#begun[0]!.request.overlaps && length < this.#limits.begunMax;
  }

  #settle(): void {
    while (this.#begun[0]?.done === true) {
      const { reply, request } = this.#begun.shift()!;
      this.#bytes -= request.bytes;
      if (reply !== undefined && !this.#ended) this.#send(reply);
    }
    this.#begin();
  }
}
