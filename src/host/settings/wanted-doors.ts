/** The doors that a program's options ask for. */

import type { WantedDoors } from "../../broker/doors.ts";

/** What the doors of the broker are told. */
export function doorsOf({ kafka, amqp, signIn, rules }: WantedDoors): WantedDoors {
  return {
    ...(kafka !== undefined && { kafka }),
    ...(amqp !== undefined && { amqp }),
    ...(signIn !== undefined && { signIn }),
    ...(rules !== undefined && { rules }),
  };
}
