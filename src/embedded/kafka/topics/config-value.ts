/** The text of a config as Kafka writes it, and what a text must be to be one. */

/** Kafka's ConfigDef types, as DescribeConfigs numbers them. */
export const CONFIG_TYPE = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
} as const;

export type ConfigType = keyof typeof CONFIG_TYPE;

export type ValidValues =
  | { readonly min: number; readonly max?: number }
  | { readonly oneOf: readonly string[] }
  /** Any of them, each once, at least one. */
  | { readonly someOf: readonly string[] }
  | { readonly matching: RegExp };

export interface ConfigForm {
  readonly name: string;
  readonly type: ConfigType;
  readonly valid?: ValidValues;
}

/** The greatest long, which stands for "never" and "no limit". */
export const LONG_MAX = "9223372036854775807";

const WHOLE: Partial<Record<ConfigType, bigint>> = {
  int: 2n ** 31n,
  short: 2n ** 15n,
  long: 2n ** 63n,
};

/** The value in the form in which it is kept, or what is wrong with it. */
export function readConfigValue(
  { name, type, valid }: ConfigForm,
  text: string,
): { readonly value: string } | { readonly wrong: string } {
  const value = text.trim();
  const wrong = (why: string): { readonly wrong: string } => ({
    wrong: `${name} is ${JSON.stringify(text.slice(0, 80))}; ${why}`,
  });
  const end = WHOLE[type];
  if (end !== undefined) {
    if (!/^[+-]?\d{1,19}$/.test(value)) return wrong(`give a whole number (${type})`);
    const number = BigInt(value.replace("+", ""));
    if (number >= end || number < -end) return wrong(`that is beyond the range of ${type}`);
    return inRange(Number(number), valid) ? { value: String(number) } : wrong(rangeOf(valid));
  }
  if (type === "double") {
    const number = Number(value);
    const fits = value !== "" && Number.isFinite(number) && inRange(number, valid);
    return fits ? { value } : wrong(rangeOf(valid));
  }
  if (type === "boolean") {
    const lower = value.toLowerCase();
    const fits = ["true", "false"].includes(lower) && isOneOf([lower], valid);
    return fits ? { value: lower } : wrong(`give ${choices(valid) ?? "true or false"}`);
  }
  const items = type === "list" ? value.split(",").map((item) => item.trim()) : [value];
  const fits = isOneOf(items, valid) && new Set(items).size === items.length;
  return fits ? { value: items.join(",") } : wrong(`give ${choices(valid) ?? "another value"}`);
}

/** As a number of this language: what is beyond its whole numbers becomes the nearest of them. */
export function numberOf(text: string): number {
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
}

function inRange(value: number, valid: ValidValues | undefined): boolean {
  if (valid === undefined || !("min" in valid)) return true;
  return value >= valid.min && value <= (valid.max ?? Infinity);
}

function rangeOf(valid: ValidValues | undefined): string {
  if (valid === undefined || !("min" in valid)) return "give a number";
  const { min, max } = valid;
  return max === undefined ? `give at least ${min}` : `give a number from ${min} to ${max}`;
}

function isOneOf(items: readonly string[], valid: ValidValues | undefined): boolean {
  if (valid === undefined || "min" in valid) return true;
  if ("matching" in valid) return items.every((item) => valid.matching.test(item));
  const known = "oneOf" in valid ? valid.oneOf : valid.someOf;
  return items.every((item) => known.includes(item));
}

function choices(valid: ValidValues | undefined): string | undefined {
  if (valid === undefined || "min" in valid) return undefined;
  if ("matching" in valid) return `something that matches ${String(valid.matching)}`;
  return "oneOf" in valid ? valid.oneOf.join(" or ") : `one or more of ${valid.someOf.join(", ")}`;
}
