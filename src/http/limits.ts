/** What one caller may cost the door (law 12). */
export interface DoorLimits {
  /** One request's body. */
  readonly bodyBytesMax: number;
  readonly headerBytesMax: number;
  readonly connectionsMax: number;
  /** Answers that wait for their readers, over all connections: past it the oldest are cut off. */
  readonly unreadBytesMax: number;
  /** From the opening of a connection, or the first byte of a later request, to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the end of its body. */
  readonly requestTimeoutMs: number;
  /** An open connection without a request is closed after so long. */
  readonly keepAliveTimeoutMs: number;
  /** A connection on which nothing moves any more, in either direction, is closed after so long. */
  readonly silenceTimeoutMs: number;
  /** Messages of one request. */
  readonly publishCountMax: number;
  /** Records or documents of one answer that is not a stream. */
  readonly pageCountMax: number;
}

export const DOOR_LIMITS: DoorLimits = {
  bodyBytesMax: 8 * 1024 * 1024,
  headerBytesMax: 16 * 1024,
  connectionsMax: 256,
  unreadBytesMax: 64 * 1024 * 1024,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 5_000,
  silenceTimeoutMs: 120_000,
  publishCountMax: 10_000,
  pageCountMax: 1_000,
};
