/** Where a value stands in a payload: property names and array indexes, outermost first. */
export type FieldPath = (string | number)[];

/** `lines[2].price`, or `data` for the payload as a whole. */
export function fieldPath(path: Readonly<FieldPath>): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += text === "" ? step : `.${step}`;
  }
  return text === "" ? "data" : text;
}
