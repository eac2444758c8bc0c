// A service: it decides on commands, and keeps a view of what happened.

import { decider, reject, service, view } from "millrace";
import { Greeted, greetings, reception } from "./contract.ts";

const TIMES_MAX = 3;

/** One entity for each guest: commands in, events out. */
export const guest = decider("guest", {
  commands: reception,
  events: { Greeted },
  publishes: greetings,
  initial: { times: 0 },
})
  .evolve({ Greeted: (_state, event) => ({ times: event.times }) })
  .decide({
    Greet: (command, state) =>
      state.times < TIMES_MAX
        ? Greeted({ ...command, times: state.times + 1 })
        : reject("greeted-enough"),
  });

/** A document for each guest, found by what it indexes. */
export const guests = view("guests", {
  from: greetings,
  initial: { times: 0, lastMs: 0 },
  index: ["times"],
}).evolve({
  Greeted: (_state, event, { time }) => ({ times: event.times, lastMs: time }),
});

export const hello = service("hello", { guest, guests });
