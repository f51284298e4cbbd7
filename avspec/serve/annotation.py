"""Annotating a run: its items, drawn once, and everybody's labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from avspec import registry
from avspec.annotation.agreement import agreement
from avspec.annotation.definitions import own_meanings
from avspec.annotation.items import FILE_NAME, Items, Options, draw_items, items_text, read_items
from avspec.annotation.judge import judge
from avspec.annotation.labels import FOLDER, annotator_name, open_labels, read_all
from avspec.calls.asking import Asker
from avspec.errors import AvspecError, NoInput, UsageError
from avspec.model.run_folder import RunFolder
from avspec.plan.lockfile import read_lock
from avspec.rows import SPLITS
from avspec.run.folder import existing
from avspec.spec.data import Guardrail
from avspec.spec.source import parse_value
from avspec.stages.data import read_split
from avspec.store.disk import disk_errors, write_atomic
from avspec.store.local import Store

_SEED = 0


def labels_folder(run_dir: Path) -> Path:
    """Return the folder of a run's annotations."""
    return existing(run_dir) / FOLDER


def store_of(run_dir: Path) -> Store:
    """Return the store that a run's artifacts are in."""
    lock = read_lock(existing(run_dir)) or {"store": "."}
    return Store(run_dir / lock["store"])


def drawn(
    run_dir: Path,
    domains: Sequence[str] = (),
    split: str | None = None,
    queries: int | None = None,
    shared: int | None = None,
    annotators: int | None = None,
) -> Items:
    """Return what is annotated in a run: what was drawn before, or a new draw, written down.

    Raises:
        NoInput: There is no such run, or it has no rows yet.
        UsageError: Another draw exists, or more queries are to be shared than anybody gets.
    """
    folder = labels_folder(run_dir)
    wanted: dict[str, Any] = {"split": split, "queries": queries, "shared": shared, "annotators": annotators}
    said = {name: value for name, value in wanted.items() if value is not None}
    said |= {"domains": tuple(domains)} if domains else {}
    items = read_items(folder)
    if items is None:
        items = _draw(run_dir, Options(**{"domains": (), **said}))
        write_atomic(folder / FILE_NAME, items_text(items))
    elif other := [name for name, value in said.items() if getattr(items.options, name) != value]:
        hint = f"leave --{other[0]} out to go on with them, or move {folder} away to draw anew"
        raise UsageError("other items were drawn for this run before", where=str(folder / FILE_NAME), hint=hint)
    return items


def served(run_dir: Path, items: Items, port: int, ready: Callable[[str], None], annotator: str | None = None) -> None:
    """Serve the page for annotators until Ctrl+C.

    Args:
        run_dir: The run folder.
        items: What is annotated.
        port: Where; 0 takes a free port.
        ready: Told the address as soon as it answers.
        annotator: Who annotates; None asks on the page.

    Raises:
        UsageError: The port is taken, or the name is none.
    """
    from avspec.serve.annotate import Annotating, serve

    name = annotator_name(annotator) if annotator is not None else ""
    read_all(labels_folder(run_dir))  # what is broken is told here, not on the page
    annotating = Annotating(labels_folder(run_dir), items, f"Annotate {RunFolder.open(run_dir).name}", name)
    try:
        serve(annotating, port, ready)
    except KeyboardInterrupt:
        return
    except OSError as error:
        hint = "leave --port out: a free one is taken"
        raise UsageError(f"port {port} cannot be used: {error.strerror}", hint=hint) from error


def judged(
    run_dir: Path,
    items: Items,
    judge_name: str,
    options: Sequence[str],
    max_cost: float | None,
    tell: Callable[[str], None],
) -> None:
    """Let a language model label every item that it has not labeled yet.

    Args:
        run_dir: The run folder.
        items: What is annotated.
        judge_name: `PROVIDER:MODEL`.
        options: The provider's options, each `KEY=VALUE`.
        max_cost: Dollars that the run may have paid for calls at the end.
        tell: Gets lines for the user.

    Raises:
        ProviderError: The model does not answer.
        UsageError: The judge's name or an option is no such thing.
    """
    plugin, _, model = judge_name.partition(":")
    if not model:
        raise UsageError(f"{judge_name!r} names no judge", hint="--judge PROVIDER:MODEL, as in openai:gpt-4.1-mini")
    given: dict[str, Any] = {"model": model}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals:
            raise UsageError(f"{option!r} is no option", hint="--judge-option KEY=VALUE, as in temperature=0")
        given[key] = parse_value(value, "--judge-option").data[""]
    name = RunFolder.open(run_dir).name
    with (
        asking_errors(plugin),
        Asker(plugin, given, folder=store_of(run_dir).answers, run=name, max_cost=max_cost, log=tell) as asker,
    ):
        # a judge with other settings is another judge, as two temperatures are
        settings = sorted(
            f" {key}={asker.identity['options'][key]}" for key in given if key in asker.identity["options"]
        )
        called = judge_name + "".join(setting for setting in settings if not setting.startswith(" model="))
        with disk_errors(labels_folder(run_dir)):
            judge(items, open_labels(labels_folder(run_dir), called, judge=True), asker.ask)
    tell(f"{called}: {asker.usage.calls} calls, {asker.usage.kept} answers from disk")


@contextmanager
def asking_errors(plugin: str) -> Iterator[None]:
    """Turn options that a provider does not take into an error of the command line."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{plugin} does not take its option {where!r}: {first['msg']}") from error


def result(run_dir: Path) -> dict[str, Any]:
    """Return how far the annotators of a run agree, as JSON.

    Raises:
        NoInput: Nothing was drawn for this run.
    """
    folder = labels_folder(run_dir)
    items = read_items(folder)
    if items is None:
        raise NoInput("nothing of this run was annotated yet", where=str(folder), hint=f"avspec annotate {run_dir}")
    return agreement(items, read_all(folder))


def _draw(run_dir: Path, options: Options) -> Items:
    if options.shared > options.queries:
        hint = "--shared counts the queries that everybody gets among those of --queries"
        raise UsageError(f"{options.shared} of {options.queries} queries cannot be shared", hint=hint)
    levels, lock = RunFolder.open(run_dir).levels, read_lock(run_dir)
    assert lock is not None, "the run folder could be opened"
    names = options.domains or tuple(RunFolder.open(run_dir).domains)
    if unknown := [name for name in names if name not in levels]:
        raise UsageError(f"this run has no domain {unknown[0]!r}", hint=f"it has {', '.join(levels)}")
    keys = {name: lock["stages"][f"data[{name}]"]["key"] for name in names if f"data[{name}]" in lock["stages"]}
    if missing := [name for name in names if name not in keys]:
        raise NoInput(f"this run has no rows of {missing[0]} yet", where=str(run_dir), hint="`avspec apply` makes them")
    splits: Sequence[str] = SPLITS if options.split == "all" else (options.split,)
    store = store_of(run_dir)
    rows = {name: [row for split in splits for row in read_split(store.path(key), split)] for name, key in keys.items()}
    named = Options(tuple(names), options.split, options.queries, options.shared, options.annotators)
    meanings = {name: means for name in names if (means := _meanings(lock["spec"], name, levels[name]))}
    return draw_items(rows, {name: levels[name] for name in names}, named, _SEED, keys, meanings)


def _meanings(spec: Mapping[str, Any], name: str, levels: Sequence[str]) -> dict[str, str]:
    """Return what a domain says itself of its levels; nothing when its plugin is not installed here."""
    section = {**spec["domains"], **(spec.get("guardrails") or {})}[name]
    options = {key: value for key, value in section.items() if key not in Guardrail.model_fields}
    try:
        return own_meanings(registry.load("domains", section["plugin"]), options, levels)
    except AvspecError:
        return {}
