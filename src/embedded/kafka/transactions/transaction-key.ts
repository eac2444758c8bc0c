/** The record of a transactional id in the state log. */

export const TRANSACTION_PREFIX = "transaction/";

export function transactionKey(id: string): string {
  return `${TRANSACTION_PREFIX}${encodeURIComponent(id)}`;
}

export function idOfTransaction(key: string): string {
  return decodeURIComponent(key.slice(TRANSACTION_PREFIX.length));
}
