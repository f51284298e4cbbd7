"""The rows of a domain, wherever a spec says they come from."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from avspec import registry
from avspec.api import Row
from avspec.errors import AvspecError, PluginError
from avspec.rows import read_rows


def domain_rows(
    name: str, levels: Sequence[str], *, plugin: str, options: Mapping[str, Any], path: Path | None = None
) -> list[Row]:
    """Return the rows of a domain or guardrail, under the name the spec gives it and with the levels it asks for.

    Args:
        name: The domain's name in the spec.
        levels: Its levels in the spec.
        plugin: Name of its domain plugin.
        options: The plugin's options.
        path: A JSONL file to read instead of the plugin's own rows.

    Raises:
        DataError: Rows are broken.
        NoInput: The file is not there.
        PluginError: The plugin cannot be used or cannot give its rows.
    """
    if path is not None:
        return read_rows(path, levels, domain=name)
    domain = registry.create("domains", plugin, options)
    try:
        return [
            Row(row.id, name, row.query, {level: row.responses[level] for level in levels}, row.source)
            for row in domain.rows()
        ]
    except AvspecError:
        raise
    except Exception as error:  # whatever a third party's code does
        reason = f"{type(error).__name__}: {error}"
        raise PluginError(f"the domain plugin {plugin!r} cannot give its rows: {reason}") from error
