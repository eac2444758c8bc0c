/** Stands for a bank. It declines the cards of customers whose id ends in 7. */

import { Calls, type How } from "./calls.ts";

/** One line of the bank's books. */
export interface Movement {
  readonly kind: "charge" | "refund";
  readonly orderId: string;
  readonly amountCents: number;
  readonly accepted: boolean;
  readonly why: string;
}

export const books = new Calls<Movement>("the bank");

export const bank = {
  charge(
    {
      orderId,
      customerId,
      amountCents,
    }: {
      readonly orderId: string;
      readonly customerId: string;
      readonly amountCents: number;
    },
    how: How,
  ): Promise<Movement> {
    return books.answer(how, () => {
      const accepted = !customerId.endsWith("7");
      const why = accepted ? "" : "the card was declined";
      return { kind: "charge", orderId, amountCents, accepted, why };
    });
  },

  refund(
    { orderId, amountCents }: { readonly orderId: string; readonly amountCents: number },
    how: How,
  ): Promise<Movement> {
    return books.answer(how, () => {
      return { kind: "refund", orderId, amountCents, accepted: true, why: "" };
    });
  },
};
