/** The bounds are words of the model, because declarations are checked against them, too. */
export { LIMITS } from "../model/limits.ts";
