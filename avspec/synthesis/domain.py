"""What a domain plugin says to a language model that writes its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from avspec.synthesis.prompts import Prompts, templates_for


def domain_prompts(plugin: Any, options: Mapping[str, Any], levels: Sequence[str]) -> Prompts:
    """Return the prompts of a domain: our templates, or the plugin's own, with the plugin's slots.

    Args:
        plugin: Class of the domain plugin.
        options: Its options.
        levels: The domain's levels.

    Raises:
        NoInput: A level has no template.
        PluginError: The plugin has instructions for a level the domain does not have.
    """
    domain = plugin(plugin.Options(**options))
    templates = templates_for(levels, getattr(domain, "prompts", None), getattr(domain, "instructions", None))
    return Prompts(templates, dict(getattr(domain, "slots", {})))
