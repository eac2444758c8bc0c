/** Stands for a bank: a refund under the same key moves no more money. */

export const bank = {
  refunds: new Map<string, string>(),

  async refund(
    { orderId }: { readonly orderId: string },
    { idempotencyKey, signal }: { readonly idempotencyKey: string; readonly signal: AbortSignal },
  ): Promise<void> {
    signal.throwIfAborted();
    bank.refunds.set(idempotencyKey, orderId);
  },
};
