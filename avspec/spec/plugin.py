"""A plugin as a spec names it."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from avspec.spec.section import Section


class PluginSection(Section):
    """A plugin by name; the section's other keys are its options."""

    model_config = ConfigDict(extra="allow")

    plugin: str
    """Name of an installed plugin; `avspec plugins` lists them."""

    @property
    def options(self) -> dict[str, Any]:
        """Return the plugin's options; in a checked spec with every default filled in."""
        return dict(self.__pydantic_extra__ or {})
