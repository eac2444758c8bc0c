/** What belongs to one conversation: its messages wherever they are, in the order of their causes. */

import type { MessageKind } from "../../model/envelope.ts";
import type { ShownMessage } from "../admin.ts";

/** Where a message was found; one may be at several places. */
export type FlowPlace =
  | {
      readonly at: "stream";
      readonly stream: string;
      readonly partition: number;
      readonly offset: number;
    }
  /** A dead letter or a parked message; `ref` as in the failures. */
  | { readonly at: "failure"; readonly ref: string; readonly waiting: boolean }
  /** A private event in a service's own store. */
  | {
      readonly at: "store";
      readonly service: string;
      readonly entity: string;
      readonly version: number;
    };

export interface FlowMessage extends ShownMessage {
  readonly id: string;
  /** How many causes stand above it: 0 for a root. */
  readonly depth: number;
  /** What is known of a message that no log keeps, from what it led to: a command that is done. */
  readonly passed?: { readonly kind: MessageKind; readonly type: string };
  /** Empty for a message that others name as their cause and that no log keeps. */
  readonly places: readonly FlowPlace[];
}

export interface ShownFlow {
  readonly correlation: string;
  /** Each before what it caused, and what it caused by time: drawn as a tree by `depth`. */
  readonly messages: readonly FlowMessage[];
  /** Records, events and failures that were looked at. */
  readonly scanned: number;
  /** Why there may be more, where the search ended at a bound: which one, and how to go on. */
  readonly cut?: string;
}

export interface FlowOptions {
  /** An offset expression, for all streams: where to begin looking; the start unless said. */
  readonly since?: string;
  /** How many records of each stream are looked at; 200,000 unless said. */
  readonly scanMax?: number;
  readonly signal?: AbortSignal;
}

export interface FlowAdmin {
  /** Finds messages whose correlation, or id, this is. Throws BAD_ARGUMENT. */
  flow(correlation: string, options?: FlowOptions): Promise<ShownFlow>;
}
