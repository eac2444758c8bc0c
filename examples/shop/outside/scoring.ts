/** Stands for a fraud scoring service. It distrusts one mail domain. */

import { Calls, type How } from "./calls.ts";

export const scores = new Calls<{ readonly score: number }>("the scoring service");

export const scoring = {
  score(email: string, how: How): Promise<{ readonly score: number }> {
    return scores.answer(how, () => ({ score: email.endsWith("@throwaway.example") ? 97 : 12 }));
  },
};
