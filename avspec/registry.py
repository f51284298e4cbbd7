"""Plugins by name: list them without importing, load on use, say who provides what."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from typing import Any

from pydantic import BaseModel, ValidationError

from avspec.errors import PluginError

GROUPS = (
    "domains",
    "evaluators",
    "providers",
    "trainers",
    "extractors",
    "samplers",
    "exporters",
    "executors",
)
"""What can be plugged in; the entry-point group of each is `avspec.` and its name."""

_METHODS: Mapping[str, tuple[str, ...]] = {
    "domains": ("files", "rows"),
    "evaluators": ("evaluate",),
    "trainers": ("train",),
    "extractors": ("extract",),
    "samplers": ("create",),
    "providers": ("answer", "close"),
}


@dataclass(frozen=True)
class PluginInfo:
    """One installed plugin, known from its distribution's metadata alone."""

    group: str
    name: str
    distribution: str
    distribution_version: str
    value: str
    """`module:class`, as the entry point writes it."""
    error: str | None = None
    """Why it cannot be used; None also when nobody has tried to load it yet."""

    @property
    def provider(self) -> str:
        """Return the distribution with its version, as errors name it."""
        return f"{self.distribution} {self.distribution_version}"


@cache
def _entry_points() -> dict[str, tuple[metadata.EntryPoint, ...]]:
    """Scan the installed distributions once a process: it takes 10-20 ms, and a spec names ten plugins."""
    points: Any = metadata.entry_points()  # another class before Python 3.12; both have `select`
    return {group: tuple(points.select(group=f"avspec.{group}")) for group in GROUPS}


def installed(group: str) -> dict[str, list[PluginInfo]]:
    """Return the plugins of a group by name, without importing any; a name claimed twice has two entries."""
    found: dict[str, list[PluginInfo]] = {}
    for entry in sorted(_entry_points()[group], key=lambda e: (e.name, e.value)):
        found.setdefault(entry.name, []).append(_info(group, entry))
    return found


def _info(group: str, entry: metadata.EntryPoint) -> PluginInfo:
    name, version = _provider(entry.dist)
    return PluginInfo(group, entry.name, name, version, entry.value)


@cache
def _provider(distribution: metadata.Distribution | None) -> tuple[str, str]:
    """Return a distribution's name and version, parsing its metadata once: it is asked for at every look-up."""
    return (distribution.name, distribution.version) if distribution else ("unknown distribution", "?")


def find(group: str, name: str) -> PluginInfo:
    """Return the one plugin of that name, without importing it.

    Raises:
        PluginError: No distribution provides it, or more than one does.
    """
    known = installed(group)
    infos = known.get(name, [])
    if not infos:
        raise PluginError(f"no {group[:-1]} plugin is called {name!r}", hint=_suggestion(name, list(known)))
    if claim := _claim(infos):
        raise PluginError(
            f"the {group[:-1]} plugin {name!r} is {claim}",
            hint="uninstall one of them; avspec does not guess which one you mean",
        )
    return infos[0]


def _suggestion(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    guess = f"did you mean {close[0]!r}? " if close else ""
    return f"{guess}installed: {', '.join(known)}" if known else "none of that kind is installed"


def load(group: str, name: str) -> Any:
    """Import a plugin and return its class.

    Raises:
        PluginError: It is unknown, claimed twice or broken.
    """
    return _load(find(group, name))


def _load(info: PluginInfo) -> Any:
    plugin, reason = _attempt(info)
    if reason:
        raise PluginError(
            f"the {info.group[:-1]} plugin {info.name!r} of {info.provider} is broken: {reason}",
            hint=f"reinstall or update {info.distribution}, or use another plugin",
        )
    return plugin


def _attempt(info: PluginInfo) -> tuple[Any, str | None]:
    """Return the class and why it is unusable, if it is."""
    try:
        plugin = metadata.EntryPoint(info.name, info.value, f"avspec.{info.group}").load()
    except Exception as error:  # whatever a third party's module does while it is imported
        return None, f"{type(error).__name__}: {error}"
    lacking = _lacking(info.group, plugin)
    return plugin, lacking and f"{info.value} has no {lacking}"


def _lacking(group: str, plugin: Any) -> str | None:
    """Return what a class misses to be a plugin of the group, or None."""
    if not isinstance(getattr(plugin, "version", None), str):
        return "`version` that is a string"
    options = getattr(plugin, "Options", None)
    if not (isinstance(options, type) and issubclass(options, BaseModel)):
        return "`Options` that is a pydantic model"
    if group == "domains" and len(getattr(plugin, "levels", ())) < 2:
        return "`levels` of two or more"
    missing = [method for method in _METHODS.get(group, ()) if not callable(getattr(plugin, method, None))]
    return f"method `{missing[0]}`" if missing else None


def create(group: str, name: str, options: Mapping[str, Any] | None = None) -> Any:
    """Load a plugin and make one with its options.

    Raises:
        PluginError: It is unknown, claimed twice or broken, or does not accept the options.
    """
    plugin = load(group, name)
    try:
        return plugin(plugin.Options(**(options or {})))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PluginError(
            f"the {group[:-1]} plugin {name!r} does not accept its options: {first['msg']}", where=where
        ) from error


def identity(group: str, name: str) -> dict[str, str]:
    """Return what a stage's key says about a plugin: name, distribution and the class's version.

    Raises:
        PluginError: It is unknown, claimed twice or broken.
    """
    info = find(group, name)
    return {"name": name, "distribution": info.distribution, "version": _load(info).version}


def describe() -> list[PluginInfo]:
    """Load every installed plugin and return all of them, the unusable ones with the reason."""
    return [
        replace(info, error=_claim(infos) or _attempt(info)[1])
        for group in GROUPS
        for infos in installed(group).values()
        for info in infos
    ]


def _claim(infos: list[PluginInfo]) -> str | None:
    """Return who claims one name, if more than one does."""
    claims = " and ".join(f"{info.provider} ({info.value})" for info in infos)
    return f"claimed twice: by {claims}" if len(infos) > 1 else None
