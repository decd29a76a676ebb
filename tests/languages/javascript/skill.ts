// A skill in TypeScript, for QuickJS and for StarlingMonkey.

import { tier } from "coworker:skill/call@0.1.0";
import { getRandomU64 } from "wasi:random/random@0.2.0";

interface Descriptor {
  name: string;
  version: string;
  description: string;
  whenToUse: string;
  category: string;
  inputSchema: string;
  outputSchema: string;
}

const TEXT = {
  type: "object",
  properties: { text: { type: "string" } },
  required: ["text"],
  additionalProperties: false,
};
const TIDIED = {
  type: "object",
  properties: { text: { type: "string" }, words: { type: "integer" } },
  required: ["text", "words"],
};

const skill = (name: string, description: string, takes: object, gives: object): Descriptor => ({
  name,
  version: "1.0.0",
  description,
  whenToUse: "",
  category: "",
  inputSchema: JSON.stringify(takes),
  outputSchema: JSON.stringify(gives),
});

const skills: Record<string, (input: any) => object> = { tidy, surroundings, spin };

export function describe(): Descriptor[] {
  return [
    skill("tidy", "Puts one space between the words of a text.", TEXT, TIDIED),
    skill("surroundings", "Tells what a skill finds around it.", {}, { type: "object" }),
    skill("spin", "Never answers.", {}, {}),
  ];
}

export function invoke(name: string, input: string): string {
  const run = skills[name];
  if (!run) throw { tag: "other", val: `no skill ${name}` };
  return JSON.stringify(run(JSON.parse(input)));
}

function tidy({ text }: { text: string }) {
  const words = text.split(/\s+/).filter(Boolean);
  if (words.length === 0) throw { tag: "invalid-input", val: "the text is blank" };
  return { text: words.join(" "), words: words.length };
}

// `Math.random` is no use here: it says the same in every new instance.
function surroundings() {
  return { tier: tier(), time: Date.now(), random: String(getRandomU64()) };
}

function spin(): never {
  for (;;) {}
}
