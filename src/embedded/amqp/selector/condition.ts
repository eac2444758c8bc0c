/** What a selector comes to: a question that is asked of each message. */

export type SelectorValue = boolean | number | string | undefined;

/** Of a message: undefined for what it does not have. */
export type Lookup = (name: string) => SelectorValue;

/** Undefined is "unknown". */
export type Condition = (lookup: Lookup) => boolean | undefined;
