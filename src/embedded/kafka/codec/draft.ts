/**
 * A message as it is given for writing: what is left out has the default that Kafka's definitions name.
 * Bytes may come in pieces, as a fetch collects them from several segments.
 */
export type Draft<Value> = Value extends Buffer
  ? Buffer | readonly Buffer[]
  : Value extends readonly (infer Element)[]
    ? readonly Draft<Element>[]
    : Value extends object
      ? { readonly [Name in keyof Value]?: Draft<Value[Name]> }
      : Value;
