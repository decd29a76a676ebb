"""A skill in Python, with nothing but the standard library."""

import json
import os
import secrets
import sys
import time

import wit_world
from componentize_py_types import Err
from wit_world.imports import call
from wit_world.imports.types import Descriptor, SkillError_InvalidInput, SkillError_Other

TEXT = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}
TIDIED = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "words": {"type": "integer"}},
    "required": ["text", "words"],
}


def skill(name: str, description: str, takes: dict, gives: dict) -> Descriptor:
    return Descriptor(name, "1.0.0", description, "", "", json.dumps(takes), json.dumps(gives))


def tidy(text: str) -> dict:
    words = text.split()
    if not words:
        raise Err(SkillError_InvalidInput("the text is blank"))
    return {"text": " ".join(words), "words": len(words)}


def surroundings() -> dict:
    try:
        files = os.listdir("/")
    except OSError:
        files = []
    return {
        "tier": call.tier().name.lower(),
        "variables": list(os.environ),
        "arguments": [argument for argument in sys.argv if argument],
        "files": files,
        "time": int(time.time() * 1000),
        "random": secrets.token_hex(8),
    }


def spin() -> None:
    while True:
        pass


class WitWorld(wit_world.WitWorld):
    def describe(self) -> list[Descriptor]:
        return [
            skill("tidy", "Puts one space between the words of a text.", TEXT, TIDIED),
            skill("surroundings", "Tells what a skill finds around it.", {}, {"type": "object"}),
            skill("spin", "Never answers.", {}, {}),
        ]

    def invoke(self, skill: str, input: str) -> str:
        match skill:
            case "tidy":
                answer = tidy(json.loads(input)["text"])
            case "surroundings":
                answer = surroundings()
            case "spin":
                spin()
            case _:
                raise Err(SkillError_Other(f"no skill {skill}"))
        return json.dumps(answer)
