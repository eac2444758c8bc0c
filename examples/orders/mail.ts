/** Stands for a mail provider: it prints, and it sends a key once. */

const sent = new Set<string>();

export const mail = {
  async send(
    orderId: string,
    { idempotencyKey, signal }: { readonly idempotencyKey: string; readonly signal: AbortSignal },
  ): Promise<void> {
    signal.throwIfAborted();
    if (sent.has(idempotencyKey)) return;
    sent.add(idempotencyKey);
    console.log(`receipt for ${orderId}`);
  },
};
