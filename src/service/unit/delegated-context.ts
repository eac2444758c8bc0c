/** A context that passes everything on to another; what stands between the two overrides a little of it. */

import type { Draft, Message, RawMessage } from "../../model/message.ts";
import type { StoredDocument, StoredEffect, StoredEvent } from "../../store/store.ts";
import type { OutgoingMessage } from "../../store/write-set.ts";
import type { EffectMode } from "../effects/effect-mode.ts";
import type { Chance, DocumentRef, KeptStampOptions, StampOptions, WorkContext } from "../part.ts";

export class DelegatedContext implements WorkContext {
  protected readonly inner: WorkContext;

  constructor(inner: WorkContext) {
    this.inner = inner;
  }

  get source(): string {
    return this.inner.source;
  }

  get exclusive(): boolean {
    return this.inner.exclusive;
  }

  get signal(): AbortSignal {
    return this.inner.signal;
  }

  get nowMs(): number {
    return this.inner.nowMs;
  }

  get effects(): EffectMode {
    return this.inner.effects ?? "live";
  }

  attemptOf(message: Message): number {
    return this.inner.attemptOf(message);
  }

  loaded(ref: DocumentRef): StoredDocument | undefined {
    return this.inner.loaded(ref);
  }

  read(ref: DocumentRef): Promise<StoredDocument | undefined> {
    return this.inner.read(ref);
  }

  readEntity(entity: string, after?: number): Promise<readonly StoredEvent[]> {
    return this.inner.readEntity(entity, after);
  }

  readEffects(message: string): Promise<ReadonlyMap<string, StoredEffect>> {
    return this.inner.readEffects(message);
  }

  chanceOf(cause: Message): Chance {
    return this.inner.chanceOf(cause);
  }

  stamp(draft: Draft, cause: Message, how?: StampOptions): OutgoingMessage {
    return this.inner.stamp(draft, cause, how);
  }

  stampKept(draft: Draft, cause: Message, how?: KeptStampOptions): RawMessage {
    return this.inner.stampKept(draft, cause, how);
  }
}
