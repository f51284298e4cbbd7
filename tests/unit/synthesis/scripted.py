"""Stands for a language model: answers every request as asked, and keeps what it was asked."""

import json
import re

from avspec.api import Answer
from avspec.synthesis.prompts import templates_for
from avspec.synthesis.recipe import Recipe
from avspec.synthesis.writing import Job

LEVELS = ("avoidance", "generic", "expert")
SLOTS = {
    "domain": "cooking",
    "domain_expert": "trained chef",
    "solution_lingo": "a recipe",
    "domain_lingo": "ingredients",
    "portal": "a food service",
}


class Scripted:
    """Answers a request for N pairs with N pairs, and any other with a text of its own."""

    def __init__(self, change=lambda request, answer: answer):
        self.change = change
        self.waves = []
        """Each wave's note and requests."""

    def __call__(self, requests, note):
        self.waves.append((note, list(requests)))
        return [self.change(request, self._answer(request)) for request in requests]

    def _answer(self, request):
        if request.schema is None:
            return Answer(f"Text {request.seed}.", input_tokens=9, output_tokens=3)
        pairs = [
            {"persona": f"Person {request.seed}-{i}", "query": f"Query {request.seed}-{i}?"} for i in range(n(request))
        ]
        return Answer(json.dumps({"pairs": pairs}))

    @property
    def requests(self):
        return [request for _, requests in self.waves for request in requests]


def n(request):
    """Return how many pairs a request asks for."""
    return int(re.search(r"Invent (\d+)", request.prompt)[1])


def job(file=None, /, **choices):
    """Return a job with these choices of its recipe, and a file of personas."""
    return Job("cooking", LEVELS, Recipe.model_validate(choices), SLOTS, templates_for(LEVELS), file)
