// Stands for the outside world: a bank that pays each idempotency key once.

export interface Payout {
  readonly receipt: string;
}

export const bank = {
  /** Every call, paid or repeated, by its idempotency key. */
  calls: new Array<string>(),
  /** What was paid out, by idempotency key. */
  paid: new Map<string, Payout>(),
  /** Loses the line: the money leaves, and the answer never arrives. */
  silent: false,

  async refund(
    orderId: string,
    cents: number,
    how: { readonly idempotencyKey: string; readonly signal: AbortSignal },
  ): Promise<Payout> {
    bank.calls.push(how.idempotencyKey);
    const before = bank.paid.get(how.idempotencyKey);
    const payout = before ?? { receipt: `r${bank.paid.size + 1}` };
    bank.paid.set(how.idempotencyKey, payout);
    console.log(`${before ? "repeated" : "paid"} ${cents} for ${orderId}: ${payout.receipt}`);
    if (bank.silent) await cut(how.signal);
    return payout;
  },
};

function cut(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
