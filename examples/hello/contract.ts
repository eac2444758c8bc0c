// What services share: the messages, and where they go.

import { command, event, queue, stream } from "millrace";
import * as z from "zod";

const guest = z.object({ name: z.string().min(1) });

export const Greet = command("guest.greet", guest, {
  key: (command) => command.name,
  refuses: ["greeted-enough"],
});
export const Greeted = event("guest.greeted", guest.extend({ times: z.number().int() }), {
  key: (event) => event.name,
});

/** The one address of the command. */
export const reception = queue("reception", { Greet });
/** What happened, for whoever wants to know. */
export const greetings = stream("greetings", { Greeted });
