/** Reads of one moment put into one question: many keys' handlers ask, the store is asked once. */

/** Asks for everything that was asked for together; what it does not name does not exist. */
export type AskTogether<Key, Found> = (keys: readonly Key[]) => Promise<ReadonlyMap<string, Found>>;

export class SharedRead<Key, Found> {
  readonly #nameOf: (key: Key) => string;
  readonly #ask: AskTogether<Key, Found>;
  #asked:
    | { readonly keys: Map<string, Key>; readonly answer: Promise<ReadonlyMap<string, Found>> }
    | undefined;

  /** `nameOf` is the name under which the answer has what a key asks for. */
  constructor(nameOf: (key: Key) => string, ask: AskTogether<Key, Found>) {
    this.#nameOf = nameOf;
    this.#ask = ask;
  }

  /** Rejects with what the question fails with, for all who share it. */
  async read(key: Key): Promise<Found | undefined> {
    const name = this.#nameOf(key);
    let asked = this.#asked;
    if (asked === undefined) {
      const keys = new Map<string, Key>();
      const answer = Promise.resolve().then(() => {
        this.#asked = undefined;
        return this.#ask([...keys.values()]);
      });
      asked = { keys, answer };
      this.#asked = asked;
    }
    asked.keys.set(name, key);
    return (await asked.answer).get(name);
  }
}
