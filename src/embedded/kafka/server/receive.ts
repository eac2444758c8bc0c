/**
 * A connection's bytes, written by the system to where they belong.
 *
 * A socket of a server makes a buffer of 64 KiB for each read, and somebody copies its contents to the
 * frame that they are a part of: at 500 MB/s the collector does little but to forget them. Node reads
 * into memory of the caller's choice (`onread`), but only for sockets that the program itself makes. So
 * the connection's handle changes hands: from the socket that the server made, before anything was
 * read, to one that reads so. Where a socket has no such handle (TLS has its own), its bytes are copied.
 */

import { Socket, type SocketConstructorOpts } from "node:net";

export interface Receiver {
  /** Where the next bytes go, until `took` was called. */
  room(): Uint8Array;
  /** So many bytes have come into the room. */
  took(bytes: number): void;
  /** Bytes have come that stand elsewhere. */
  push(chunk: Buffer): void;
}

/** What Node keeps of a socket below its documented face. */
interface Handled {
  _handle?: { readonly useUserBuffer?: unknown } | null;
}

/** Begins to read, and returns the socket that stands for the connection from now on. */
export function receive(socket: Socket, receiver: Receiver): Socket {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- looked at before it is believed
  const handled = socket as Handled;
  const handle = handled._handle;
  if ("encrypted" in socket || typeof handle?.useUserBuffer !== "function") {
    socket.on("data", (chunk: Buffer) => receiver.push(chunk));
    return socket;
  }
  handled._handle = null;
  const options: SocketConstructorOpts = {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the types know a bound socket only
    handle: handle as NonNullable<SocketConstructorOpts["handle"]>,
    onread: {
      buffer: () => receiver.room(),
      callback: (bytes: number) => {
        receiver.took(bytes);
        return true;
      },
    },
  };
  const receiving = new Socket(options);
  // The server counts the socket that it made.
  receiving.once("close", () => socket.destroy());
  return receiving;
}
