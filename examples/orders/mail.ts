/** Stands for a mail provider: it prints, and it sends a key once. */

const sent = new Set<string>();

export const mail = {
  send(
    orderId: string,
    how: { readonly idempotencyKey: string; readonly signal: AbortSignal },
  ): { readonly accepted: boolean } {
    how.signal.throwIfAborted();
    if (!sent.has(how.idempotencyKey)) console.log(`receipt for ${orderId}`);
    sent.add(how.idempotencyKey);
    return { accepted: true };
  },
};
