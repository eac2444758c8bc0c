/**
 * The one error that Millrace throws for things that can happen: a closed set of codes, plain data,
 * and a text that names the thing, the limit and the next step. `docs/errors.md` lists every code;
 * a code, once published, keeps its meaning.
 *
 * A broken invariant is not such a thing: it throws through `assert` in `assert.ts`.
 */

export type ErrorCode =
  | "BAD_DECLARATION"
  | "BAD_CONFIG"
  | "BAD_ARGUMENT"
  | "CONTRACT_BROKEN"
  | "CAPABILITY_MISSING"
  | "BAD_ENVELOPE"
  | "BAD_PAYLOAD"
  | "BAD_JSON"
  | "UNKNOWN_TYPE"
  | "UNKNOWN_VERSION"
  | "UNSUPPORTED_CONTENT"
  | "TOO_LARGE"
  | "UNKNOWN_STREAM"
  | "UNKNOWN_QUEUE"
  | "UNKNOWN_GROUP"
  | "UNKNOWN_DEAD_LETTER"
  | "STREAM_MISMATCH"
  | "GROUP_IN_USE"
  | "OFFSET_OUT_OF_RANGE"
  | "LEASE_LOST"
  | "FENCED"
  | "QUEUE_FULL"
  | "QUOTA_EXCEEDED"
  | "OVERLOADED"
  | "DISK_FULL"
  | "DISK_FAILED"
  | "LOG_DAMAGED"
  | "BACKUP_DAMAGED"
  | "DIRECTORY_IN_USE"
  | "DIRECTORY_VERSION"
  | "STORE_FAILED"
  | "CONFLICT"
  | "POSITION_MISMATCH"
  | "PARKED"
  | "UNKNOWN_VIEW"
  | "VIEW_BUILDING"
  | "EFFECT_NOT_RECORDED"
  | "NOT_REPEATABLE"
  | "CLOSED"
  | "CANCELLED"
  | "DEADLINE"
  | "UNREACHABLE"
  | "NOT_FOUND"
  | "NOT_ALLOWED"
  | "CONFIRMATION_NEEDED"
  | "BAD_REQUEST"
  | "BAD_MESSAGE"
  | "HANDLER_FAILED"
  | "DEPENDENCY_DOWN"
  | "DELIVERY_FAILED"
  | "ADDRESS_REFUSED";

/** How a tool ends when a command failed with this code; see `docs/errors.md`. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  problemsFound: 3,
  notFound: 4,
  refused: 5,
  unreachable: 69,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

interface CodeFacts {
  /** Whether the same call, unchanged, may succeed later. */
  readonly retryable: boolean;
  readonly exit: ExitCode;
  /** One sentence for the table in the docs. */
  readonly meaning: string;
}

/** Every code. Adding one is a feature; changing one breaks callers. */
export const ERROR_CODES: Readonly<Record<ErrorCode, CodeFacts>> = {
  // Declarations and contracts
  BAD_DECLARATION: {
    retryable: false,
    exit: 2,
    meaning: "A declaration contradicts itself or another one.",
  },
  BAD_CONFIG: {
    retryable: false,
    exit: 2,
    meaning: "The configuration has an unknown key or a value out of range.",
  },
  BAD_ARGUMENT: {
    retryable: false,
    exit: 2,
    meaning: "An argument of a call or a command is missing or out of range.",
  },
  CONTRACT_BROKEN: {
    retryable: false,
    exit: 3,
    meaning: "A schema change would break a reader that exists.",
  },
  CAPABILITY_MISSING: {
    retryable: false,
    exit: 5,
    meaning: "A part needs what its broker or store cannot do.",
  },

  // Messages
  BAD_ENVELOPE: {
    retryable: false,
    exit: 1,
    meaning: "A message lacks a required envelope field, or the field has a wrong form.",
  },
  BAD_PAYLOAD: { retryable: false, exit: 1, meaning: "A payload does not fit its schema." },
  BAD_JSON: {
    retryable: false,
    exit: 1,
    meaning: "Bytes are not JSON, nest too deeply, or hold a number that would lose digits.",
  },
  UNKNOWN_TYPE: {
    retryable: false,
    exit: 4,
    meaning: "No declaration in reach knows this message type.",
  },
  UNKNOWN_VERSION: {
    retryable: false,
    exit: 1,
    meaning: "A message was written with a schema version that this program cannot read.",
  },
  UNSUPPORTED_CONTENT: {
    retryable: false,
    exit: 1,
    meaning: "A payload's media type has no codec here.",
  },
  TOO_LARGE: {
    retryable: false,
    exit: 1,
    meaning: "A message, batch, header or document is over its limit.",
  },

  // Brokers
  UNKNOWN_STREAM: { retryable: false, exit: 4, meaning: "The broker has no stream of this name." },
  UNKNOWN_QUEUE: { retryable: false, exit: 4, meaning: "The broker has no queue of this name." },
  UNKNOWN_GROUP: {
    retryable: false,
    exit: 4,
    meaning: "The broker has no group of this name on the stream.",
  },
  UNKNOWN_DEAD_LETTER: {
    retryable: false,
    exit: 4,
    meaning: "There is no dead letter or parked message of this id.",
  },
  GROUP_IN_USE: {
    retryable: false,
    exit: 5,
    meaning: "A group has members of another kind, from outside this process.",
  },
  STREAM_MISMATCH: {
    retryable: false,
    exit: 5,
    meaning: "A stream or queue exists with settings that cannot be changed in place.",
  },
  OFFSET_OUT_OF_RANGE: {
    retryable: false,
    exit: 1,
    meaning: "An offset lies before the oldest kept message or beyond the end.",
  },
  LEASE_LOST: {
    retryable: false,
    exit: 1,
    meaning: "A lease ended before it was settled; another consumer may have the message.",
  },
  FENCED: {
    retryable: false,
    exit: 1,
    meaning: "Another owner has taken over this partition or lane.",
  },
  QUEUE_FULL: { retryable: true, exit: 1, meaning: "A queue is at its depth limit." },
  QUOTA_EXCEEDED: {
    retryable: true,
    exit: 1,
    meaning: "A namespace holds as much as its quota allows.",
  },
  OVERLOADED: { retryable: true, exit: 1, meaning: "Too many appends wait for the disk." },

  // Storage
  DISK_FULL: {
    retryable: true,
    exit: 1,
    meaning: "Free space is under the floor; appends are refused, acknowledgements still work.",
  },
  DISK_FAILED: {
    retryable: false,
    exit: 1,
    meaning:
      "The disk refuses: a partition is stopped, or a directory not opened, until a restart.",
  },
  LOG_DAMAGED: {
    retryable: false,
    exit: 1,
    meaning: "Bytes that were acknowledged are damaged; the segment is quarantined.",
  },
  BACKUP_DAMAGED: {
    retryable: false,
    exit: 1,
    meaning: "A backup is not whole, or is not what was written; nothing was restored.",
  },
  DIRECTORY_IN_USE: {
    retryable: false,
    exit: 5,
    meaning: "Another process has the data directory or store open.",
  },
  DIRECTORY_VERSION: {
    retryable: false,
    exit: 5,
    meaning: "A data directory was written by a version this program cannot read.",
  },
  STORE_FAILED: { retryable: true, exit: 1, meaning: "The service's database reported an error." },
  CONFLICT: { retryable: true, exit: 1, meaning: "The state changed since it was read." },

  // Positions and reads
  POSITION_MISMATCH: {
    retryable: false,
    exit: 5,
    meaning: "A kept position belongs to another log than the one found, or lies beyond its end.",
  },
  PARKED: {
    retryable: false,
    exit: 1,
    meaning: "The message that the read waits for, or one before it, is parked.",
  },
  UNKNOWN_VIEW: { retryable: false, exit: 4, meaning: "No view of this name runs here." },
  VIEW_BUILDING: {
    retryable: true,
    exit: 1,
    meaning: "The view's new version is being built, and the one that answers cannot answer this.",
  },

  // Replay
  EFFECT_NOT_RECORDED: {
    retryable: false,
    exit: 1,
    meaning: "A replay or shadow needs the outside world's answer, and none was recorded.",
  },
  NOT_REPEATABLE: {
    retryable: false,
    exit: 1,
    meaning: "Handling the same message twice gave two different decisions.",
  },

  // Life
  CLOSED: { retryable: false, exit: 1, meaning: "The object was closed." },
  CANCELLED: { retryable: true, exit: 130, meaning: "The caller, or a stop, ended the work." },
  DEADLINE: { retryable: true, exit: 1, meaning: "The work did not end within its time." },
  UNREACHABLE: {
    retryable: true,
    exit: 69,
    meaning: "A broker, store or running process does not answer.",
  },
  NOT_FOUND: {
    retryable: false,
    exit: 4,
    meaning: "Nothing stands at this address: the route or the document is not there.",
  },
  NOT_ALLOWED: {
    retryable: false,
    exit: 5,
    meaning: "The token is missing or wrong, or a rule forbids the action.",
  },
  CONFIRMATION_NEEDED: {
    retryable: false,
    exit: 5,
    meaning: "A destructive command was neither confirmed nor given --yes.",
  },
  BAD_REQUEST: {
    retryable: false,
    exit: 1,
    meaning: "An HTTP request is malformed, too large, or of a wrong media type.",
  },
  HANDLER_FAILED: {
    retryable: false,
    exit: 1,
    meaning: "The handler of a command that was asked failed as often as its policy lets it try.",
  },
  BAD_MESSAGE: {
    retryable: false,
    exit: 1,
    meaning: "User code says that this message can never be handled: park it now.",
  },
  DEPENDENCY_DOWN: {
    retryable: true,
    exit: 69,
    meaning: "User code says that something it depends on is down: pause, do not park.",
  },
  DELIVERY_FAILED: {
    retryable: true,
    exit: 1,
    meaning: "A webhook's receiver failed at this message; it is tried again, then parked.",
  },
  ADDRESS_REFUSED: {
    retryable: false,
    exit: 5,
    meaning: "A webhook's address is private, or in another way none that may be reached.",
  },
};

/** Plain JSON data: what `details` of an error may hold. */
export type ErrorDetails = Readonly<
  Record<string, string | number | boolean | null | readonly string[]>
>;

export interface ErrorOptions {
  readonly cause?: unknown;
  readonly details?: ErrorDetails;
  /** Overrides the code's own answer where the case is known better. */
  readonly retryable?: boolean;
}

export class MillraceError extends Error {
  override readonly name = "MillraceError";
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? ERROR_CODES[code].retryable;
    this.details = options.details ?? {};
  }

  toJSON(): { code: ErrorCode; message: string; retryable: boolean; details: ErrorDetails } {
    return {
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      details: this.details,
    };
  }
}

/** Whether a text that came from elsewhere is one of the codes. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

export function isMillraceError(error: unknown, code?: ErrorCode): error is MillraceError {
  return error instanceof MillraceError && (code === undefined || error.code === code);
}
