"""Speed of scoring, editing, training and of a whole run, as ratios to peers and to this machine's limits.

    make bench                                          # everything; installs the peers into .venv-bench
    python benchmarks/bench.py --only editing,scoring   # parts of it; the others keep their last results

Every section's figures are kept in benchmarks/results/SECTION.json; benchmarks/RESULTS.md is rendered from all of them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from speed.render import render
from speed.results import Section

HERE = Path(__file__).parent
SECTIONS = ("scoring", "editing", "training", "whole")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the sections asked for, and render all there are."""
    options = _parse(arguments)
    options.results.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        print(f"{name} ...", file=sys.stderr)
        section = _runs(options)[name]()
        (options.results / f"{name}.json").write_text(section.model_dump_json(indent=1) + "\n", "utf-8")
        for measure in section.measures:
            print(f"  {measure.name}: {measure.median:.3g} {measure.unit}", file=sys.stderr)
    files = [path for name in SECTIONS if (path := options.results / f"{name}.json").exists()]
    sections = [Section.model_validate_json(path.read_text("utf-8")) for path in files]
    if sections:
        options.out.write_text(render(sections), "utf-8")


def _runs(options: argparse.Namespace) -> dict[str, Callable[[], Section]]:
    """Return each section's measurement; torch is imported with the first of them."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    from transformers.utils import logging

    from speed import editing, scoring, training, whole
    from speed.subject import Subject

    logging.disable_progress_bar()
    subject = Subject(options.cache)
    return {
        "scoring": lambda: scoring.measure(subject, options.pairs, options.rows),
        "editing": lambda: editing.measure(subject, options.pairs),
        "training": lambda: training.measure(subject, options.pairs, options.steps),
        "whole": lambda: whole.measure(options.cache / "quickstart"),
    }


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", type=_names, default=SECTIONS, help="sections, comma-separated: " + ", ".join(SECTIONS)
    )
    parser.add_argument("--pairs", type=int, default=5, help="paired runs of each ratio")
    parser.add_argument("--rows", type=int, default=8, help="rows of each domain that are scored")
    parser.add_argument("--steps", type=int, default=4, help="optimizer steps of a timed training")
    parser.add_argument("--cache", type=Path, default=Path(".avspec/bench"), help="folder of the model and the vectors")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder of the sections' figures")
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md", help="the report")
    return parser.parse_args(arguments)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name for name in text.split(",") if name)
    if unknown := set(names) - set(SECTIONS):
        raise argparse.ArgumentTypeError(f"no section is named {', '.join(sorted(unknown))}")
    return names


if __name__ == "__main__":
    main()
