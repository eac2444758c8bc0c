// Stands for the outside world: a post office, which is closed at times.

import { dependencyDown } from "millrace";

export const post = {
  open: true,
  /** Who was sent a postcard, by idempotency key: the same key again sends nothing. */
  sent: new Map<string, string>(),

  async send(name: string, { idempotencyKey }: { readonly idempotencyKey: string }): Promise<void> {
    if (!post.open) throw dependencyDown("the post office is closed");
    if (post.sent.has(idempotencyKey)) return;
    post.sent.set(idempotencyKey, name);
    console.log(`a postcard to ${name}`);
  },
};
