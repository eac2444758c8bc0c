/** Names and addresses of this machine that no other reaches. */

/** Whether only this machine can use the address. */
export function isLoopbackName(name: string): boolean {
  return name === "localhost" || name === "[::1]" || name === "::1" || isLoopbackIpv4(name);
}

function isLoopbackIpv4(name: string): boolean {
  const match = /^127\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(name);
  return match !== null && match.slice(1).every((part) => Number(part) <= 255);
}
