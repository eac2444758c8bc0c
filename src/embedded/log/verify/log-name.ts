/** Which log lies in a directory of the broker. */

export interface LogName {
  readonly kind: "state" | "stream" | "queue";
  /** Empty for the state log. */
  readonly name: string;
  readonly partition: number;
}

/** Of the directory's path within the broker's, taken apart. */
export function logNameOf([top, name = "", , partition = "0"]: readonly string[]): LogName {
  if (top === "streams") return { kind: "stream", name, partition: Number(partition) };
  if (top === "queues") return { kind: "queue", name, partition: 0 };
  return { kind: "state", name: "", partition: 0 };
}

/** As people read it. */
export function shownLog({ kind, name }: LogName): string {
  if (kind === "stream") return name;
  return kind === "queue" ? `queue ${name}` : "state";
}
