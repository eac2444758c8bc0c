/** Gives an object a property of its own whatever its name: assigning `__proto__` would not. */
export function defineOwn(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}
