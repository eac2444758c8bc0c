/**
 * A file as a source: each line of NDJSON, or each record of CSV, becomes a message.
 *
 * Read is in chunks. What a chunk holds is published, and when all of it is durable, the lines that
 * were rejected are written beside the file, and the position is moved (`source-position.ts`). A crash
 * in between reads the chunk again, and every message has the same id again, made of the file's
 * identity and its line: so it counts once.
 *
 * A file that is followed may grow, be replaced (rotated: what is left of the old one is read first)
 * or be cut. A replaced or cut file is another one: it is read from its start, and its lines have
 * other ids.
 */

import { createHash } from "node:crypto";
import { delay } from "../../model/clock.ts";
import { isMillraceError, MillraceError } from "../../model/errors.ts";
import type { Channel, DraftOf, MessageType } from "../../schema/declaration.ts";
import { durationMs, type Duration } from "../../schema/duration.ts";
import { checkOptions, checkPartName, refuse } from "../../service/declaration-checks.ts";
import type { Source } from "../../service/inbound.ts";
import { NODE_FILE_DISK, type FileDisk } from "./disk/file-disk.ts";
import { FileReading } from "./file-reading.ts";
import { LineReader, type LineContext } from "./line-reader.ts";

type TypesOf<To extends Channel> = To["types"][keyof To["types"]];

export interface FileSourceOptions<To extends Channel = Channel> {
  readonly path: string;
  /** CSV has a header with the names of its columns. */
  readonly format: "ndjson" | "csv";
  readonly to: To;
  /**
   * What each line is the payload of. Without it, and without `map`, each line is a CloudEvent in JSON
   * form (NDJSON only). Cells of CSV become what the type's schema says of the property of their name.
   */
  readonly type?: TypesOf<To>;
  /** Makes a message of a line's JSON or of a row's texts by column; undefined passes the line over. */
  readonly map?: (row: any, context: LineContext) => DraftOf<TypesOf<To>> | undefined;
  /** Go on at the end, for what is appended, until the host stops. */
  readonly follow?: boolean;
  /**
   * `skip`: a line that cannot be read or is refused goes to `PATH.rejected`, with its number and the
   * reason, and reading goes on; `stop`: the source fails there. `skip` unless said.
   */
  readonly onBadLine?: "skip" | "stop";
  /** Where the position is kept; `PATH.position` unless said. */
  readonly position?: string;
  /** 1,048,576 unless said. */
  readonly lineBytesMax?: number;
  /** How often a followed file is looked at; 1 second unless said. */
  readonly poll?: Duration;
  /** The machine's own unless given. */
  readonly disk?: FileDisk;
}

const LINE_BYTES_MAX = 1_048_576;
const LINE_BYTES_LIMIT = 16 * 1_048_576;
const POLL_MS = 1000;
const RETRY_MS_MAX = 30_000;

/** Declares a file to be read into a stream or queue. Throws BAD_DECLARATION. */
export function fileSource<const To extends Channel>(
  name: string,
  options: FileSourceOptions<To>,
): Source {
  checkPartName(name, "file source");
  const what = `file source "${name}"`;
  checkOptions(options, what, [
    "path",
    "format",
    "to",
    "type",
    "map",
    "follow",
    "onBadLine",
    "position",
    "lineBytesMax",
    "poll",
    "disk",
  ]);
  const {
    path,
    format,
    to,
    type,
    map,
    lineBytesMax = LINE_BYTES_MAX,
    onBadLine = "skip",
    follow = false,
  } = options;
  if (typeof path !== "string" || path === "") refuse(`${what} has no path`);
  if (format !== "ndjson" && format !== "csv") {
    refuse(`format of ${what} is ${JSON.stringify(format)}; write "ndjson" or "csv"`);
  }
  if (to?.kind !== "stream" && to?.kind !== "queue") {
    refuse(`${what} publishes nowhere; name a stream or queue in to`);
  }
  if (type !== undefined && !Object.values<MessageType>(to.types).includes(type)) {
    refuse(
      `${what} makes "${type.type}" of its lines, which ${to.kind} "${to.name}" does not carry`,
    );
  }
  if (type !== undefined && map !== undefined) refuse(`${what} has a type and a map; keep one`);
  if (format === "csv" && type === undefined && map === undefined) {
    refuse(`${what} does not say what its rows are; name a type, or give a map`);
  }
  if (onBadLine !== "skip" && onBadLine !== "stop") {
    refuse(`onBadLine of ${what} is ${JSON.stringify(onBadLine)}; write "skip" or "stop"`);
  }
  if (!Number.isInteger(lineBytesMax) || lineBytesMax < 1 || lineBytesMax > LINE_BYTES_LIMIT) {
    refuse(
      `lineBytesMax of ${what} is ${lineBytesMax}; give a whole number from 1 to ${LINE_BYTES_LIMIT}`,
    );
  }
  const pollMs = options.poll === undefined ? POLL_MS : durationMs(options.poll, `poll of ${what}`);
  const reader = new LineReader({ name, to, type, map });
  return Object.freeze<Source>({
    name,
    to: [to],
    run: async (context) => {
      const { environment, signal } = context;
      const reading = new FileReading({
        ...context,
        what,
        path,
        format,
        reader,
        lineBytesMax,
        stopsAtBad: onBadLine === "stop",
        positionPath: options.position ?? `${path}.position`,
        disk: options.disk ?? NODE_FILE_DISK,
        idOf: (identity, epoch, line) => `${name}/${fileId(identity, epoch)}/${line}`,
      });
      await using _open = { [Symbol.asyncDispose]: () => reading.close() };
      let waitMs = pollMs;
      while (!signal.aborted) {
        try {
          const end = await reading.readOn({ last: !follow });
          if (end === "missing" && !follow) throw missing(what, path);
          if (!follow) return;
          waitMs = pollMs;
        } catch (error) {
          if (signal.aborted) return;
          if (!isMillraceError(error) || !error.retryable) throw error;
          environment.log.warn({ source: name, error: error.message }, "a file source waits");
          waitMs = Math.min(RETRY_MS_MAX, waitMs * 2);
        }
        await delay(environment.clock, waitMs, signal).catch(() => undefined);
      }
    },
  });
}

/** Short, because it stands in every id. */
function fileId(identity: string, epoch: number): string {
  return createHash("sha256").update(`${identity}/${epoch}`).digest("hex").slice(0, 16);
}

function missing(what: string, path: string): MillraceError {
  return new MillraceError(
    "NOT_FOUND",
    `${what} finds no file at ${path}; put it there, or set follow to wait for it`,
    { details: { path } },
  );
}
