/**
 * Publishing through an app. The app publishes in the stead of the service that owns the stream; into
 * a stream that no service of the app owns, as the app's only service, or as `app`.
 */

import type { Environment } from "../model/environment.ts";
import { assert } from "../model/assert.ts";
import { MillraceError } from "../model/errors.ts";
import type { Draft } from "../model/message.ts";
import type { Outcome } from "../model/outcome.ts";
import { type Channel, isSubscription } from "../schema/declaration.ts";
import {
  createPublisher,
  type Published,
  type Publisher,
  type PublishOptions,
} from "../service/publisher.ts";
import { streamOwners } from "../service/refusal.ts";
import type { OpenBrokers } from "./brokers.ts";
import type { AppOptions } from "./options.ts";

export interface AppPublisher extends AsyncDisposable {
  /** Stands as source in what no service of the app owns, commands above all. */
  readonly source: string;
  /** Drafts for channels of one kind only: an event is not sent, a command is not published. */
  publish(
    kind: Channel["kind"],
    drafts: readonly Draft[],
    options: PublishOptions,
  ): Promise<readonly Outcome<Published>[]>;
}

export function openAppPublisher(
  { services, publish: settings }: AppOptions,
  channels: readonly Channel[],
  { streams, queues }: OpenBrokers,
  environment: Environment,
): AppPublisher {
  const owners = streamOwners(services);
  const [first, second] = services;
  const self = first !== undefined && second === undefined ? first.name : "app";
  const publishers = new Map<string, Publisher>();

  const publisherOf = (source: string, kind: Channel["kind"]): Publisher => {
    const name = `${kind} ${source}`;
    const known = publishers.get(name);
    if (known !== undefined) return known;
    const made = createPublisher({
      source,
      channels: channels.filter((channel) => channel.kind === kind),
      streams,
      queues,
      environment,
      ...(settings?.batch !== undefined && { batch: settings.batch }),
    });
    publishers.set(name, made);
    return made;
  };
  const publishOne = async (
    kind: Channel["kind"],
    draft: Draft,
    options: PublishOptions,
  ): Promise<Outcome<Published>> => {
    const carriers = channels.filter(
      (channel) =>
        !isSubscription(channel) &&
        Object.values(channel.types).some(({ type }) => type === draft.type),
    );
    if (carriers.length > 0 && carriers.every((channel) => channel.kind !== kind)) {
      return { ok: false, error: wrongKind(draft.type, kind) };
    }
    const meant = carriers.filter(
      ({ name }) => options.to === undefined || name === options.to.name,
    );
    const owner = meant.map(({ name }) => owners.get(name)).find((name) => name !== undefined);
    const [outcome] = await publisherOf(owner ?? self, kind).publish([draft], options);
    assert(outcome !== undefined, "a publisher answers every draft");
    return outcome;
  };

  return {
    source: self,
    async publish(kind, drafts, options) {
      if (options.id !== undefined && drafts.length > 1) {
        throw new MillraceError(
          "BAD_ARGUMENT",
          "one id was given for several drafts; publish them one by one",
        );
      }
      // One call a draft: the publisher gathers what is published in one moment, in this order.
      return Promise.all(drafts.map((draft) => publishOne(kind, draft, options)));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(Array.from(publishers.values(), (publisher) => publisher.close()));
    },
  };
}

function wrongKind(type: string, kind: Channel["kind"]): MillraceError {
  const text =
    kind === "stream"
      ? `"${type}" is a command: it has one address and may be refused; use send`
      : `"${type}" is an event: it has no addressee; use publish`;
  return new MillraceError("BAD_ARGUMENT", text, { details: { type } });
}
