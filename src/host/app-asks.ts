/** Asking through an app: the short way where the handler runs here, or else by the broker. */

import type { Environment } from "../model/environment.ts";
import { MillraceError } from "../model/errors.ts";
import type { Draft } from "../model/message.ts";
import { durationMs, type Duration } from "../schema/duration.ts";
import type { Answer } from "../service/ask/answer.ts";
import type { AskOptions } from "../service/ask/direct-asks.ts";
import { RemoteAsks } from "../service/ask/remote-asks.ts";
import type { RunningService } from "../service/running/running-service.ts";
import type { AppPublisher } from "./app-publisher.ts";
import type { OpenBrokers } from "./brokers.ts";

/** As they come from a request, so what it lacks may be undefined. */
export interface AppAskOptions extends Omit<
  AskOptions,
  "deadlineMs" | "source" | "attributes" | "id" | "actor"
> {
  /** Asked again under the same id, a command is answered and not done again; a new one unless said. */
  readonly id?: string | undefined;
  /** On whose behalf it is asked. */
  readonly actor?: string | undefined;
  /** How long the answer may take, `5s`; `10s` unless said. */
  readonly deadline?: Duration | undefined;
}

export class AppAsks implements AsyncDisposable {
  readonly #services: readonly RunningService[];
  readonly #publisher: AppPublisher;
  readonly #remote: RemoteAsks | undefined;

  constructor(
    services: readonly RunningService[],
    publisher: AppPublisher,
    { queues }: Pick<OpenBrokers, "queues">,
    environment: Environment,
  ) {
    this.#services = services;
    this.#publisher = publisher;
    this.#remote =
      queues &&
      new RemoteAsks({
        queues,
        environment,
        send: async (draft, how) => {
          const [outcome] = await publisher.publish("queue", [draft], how);
          if (outcome?.ok === false) throw outcome.error;
        },
      });
  }

  /** Answers that came when nobody waited any more. */
  get lateReplies(): number {
    return this.#remote?.lateReplies ?? 0;
  }

  async ask(draft: Draft, options: AskOptions): Promise<Answer> {
    const here = this.#services.find((service) => service.handles(draft.type));
    if (here !== undefined) {
      return here.ask(draft, { ...options, source: this.#publisher.source });
    }
    if (this.#remote !== undefined) return this.#remote.ask(draft, options);
    throw new MillraceError(
      "CAPABILITY_MISSING",
      `"${draft.type}" is handled in no process that can be reached: no broker with queues is configured; configure one`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remote?.[Symbol.asyncDispose]();
  }
}

/** Throws BAD_ARGUMENT for a text that is no duration. */
export function deadlineMsOf(deadline: Duration = "10s"): number {
  try {
    return durationMs(deadline, "the deadline");
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new MillraceError("BAD_ARGUMENT", text, { cause });
  }
}
