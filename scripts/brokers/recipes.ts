/** The brokers that can be had here. */

import type { BrokerRecipe } from "./broker.ts";
import { recipe as kafka } from "./kafka/recipe.ts";
import { recipe as kfake } from "./kfake/recipe.ts";
import { recipe as rabbitmq } from "./rabbitmq/recipe.ts";

export const RECIPES: readonly BrokerRecipe[] = [kafka, kfake, rabbitmq];

export function recipeOf(name: string): BrokerRecipe {
  const found = RECIPES.find((recipe) => recipe.name === name);
  if (found !== undefined) return found;
  const known = RECIPES.map((recipe) => recipe.name);
  throw new Error(`there is no recipe for ${name}; there are ${known.join(", ")}`);
}
