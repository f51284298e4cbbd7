"""Prompts for the language model: Jinja templates, the slots they have, and who fills them (paper, appendices B, C)."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from avspec.errors import NoInput, PluginError

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

FOLDER = Path(__file__).parents[1] / "data" / "prompts"
"""Our templates."""
QUERY, ROOTS, RELATED, RESPONSE = "query.jinja", "roots.jinja", "related.jinja", "response.jinja"

SLOTS: Mapping[str, str] = {
    "domain": "an adjective or noun that stands before `question` and `matters`: medical, tax, cooking",
    "domain_expert": "whom to ask instead, without article: physician or other qualified health professional",
    "solution_lingo": "what an expert arrives at: diagnosis and treatment",
    "domain_lingo": "what an expert looks at, in the plural: symptoms",
    "portal": "where people write to, with article: an online health service",
}
"""What a domain plugin fills with its `slots`; it may have more for templates of its own."""

GIVEN: Mapping[str, str] = {
    "language": "English name of the language to write in; our templates speak of it only when it is not English",
    "persona": "query.jinja, related.jinja: the person",
    "n": "roots.jinja, related.jinja: how many pairs of persona and query are wanted",
    "words": "response.jinja, level-LEVEL.jinja: how many words the response should have",
    "num_paras": "response.jinja, level-LEVEL.jinja: how many paragraphs the response should have",
    "instruction": "response.jinja: the rendered level-LEVEL.jinja",
    "query": "response.jinja: the query",
}
"""What avspec fills."""

_LANGUAGES = {
    **{"ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech", "da": "Danish"},
    **{"de": "German", "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian"},
    **{"fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian"},
    **{"id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian"},
    **{"ms": "Malay", "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian"},
    **{"ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian", "sv": "Swedish", "sw": "Swahili"},
    **{"ta": "Tamil", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese"},
    "zh": "Chinese",
}


def language_name(code: str) -> str:
    """Return the English name of an ISO 639-1 language, or the code itself for one we have no name for."""
    return _LANGUAGES.get(code, f"the language with the code {code}")


def level_template(level: str) -> str:
    """Return the file name of a level's instruction."""
    return f"level-{level}.jinja"


def templates_for(
    levels: Sequence[str], folder: Path | None = None, instructions: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the templates that writing a domain needs, by file name.

    Args:
        levels: The domain's levels.
        folder: The plugin's `prompts`, whose files replace ours of the same name.
        instructions: The plugin's `instructions`, level to template; they replace both.

    Raises:
        NoInput: The folder is not there, or a level has no template.
        PluginError: There are instructions for a level the domain does not have.
    """
    if folder is not None and not folder.is_dir():
        raise NoInput("the folder of prompts that a domain plugin names is not there", where=str(folder))
    given = _instructions(levels, instructions or {})
    missing = [
        level for level in levels if not (level_template(level) in given or _read(level_template(level), folder))
    ]
    if missing:
        files, texts = ", ".join(map(level_template, missing)), ", ".join(f"{level}: TEXT" for level in missing)
        raise NoInput(
            f"there is no prompt for the level {' and the level '.join(missing)}",
            where=str(folder or ""),
            hint=f"put {files} into the folder `prompts` of the domain plugin, "
            f"or use the plugin `custom` and write `instructions: {{{texts}}}`",
        )
    names = [QUERY, ROOTS, RELATED, RESPONSE, *map(level_template, levels)]
    return {name: given.get(name) or _read(name, folder) for name in names}


def _instructions(levels: Sequence[str], instructions: Mapping[str, str]) -> dict[str, str]:
    if unknown := [level for level in instructions if level not in levels]:
        what = f"there are `instructions` for {' and '.join(unknown)}, which the domain does not have as a level"
        close = difflib.get_close_matches(unknown[0], levels, n=1)
        raise PluginError(what, hint=f"did you mean `{close[0]}`?" if close else f"the levels are {', '.join(levels)}")
    return {level_template(level): text for level, text in instructions.items()}


def _read(name: str, folder: Path | None) -> str:
    """Return a template of the plugin's, or else ours; empty when neither has it."""
    files = [place / name for place in (folder, FOLDER) if place is not None]
    return next((file.read_text("utf-8") for file in files if file.is_file()), "")


@dataclass(frozen=True)
class Prompts:
    """Templates with the slots of one domain filled."""

    templates: Mapping[str, str]
    """By file name, see `templates_for`."""
    slots: Mapping[str, str]
    """The domain plugin's, and `language`."""
    domain: str = ""
    """Name of the domain, for errors."""

    def render(self, name: str, **given: str | int) -> str:
        """Return a prompt.

        Args:
            name: File name of the template.
            given: Slots that avspec fills, see `GIVEN`.

        Raises:
            PluginError: The template uses a slot nobody fills, or is no valid template.
        """
        from jinja2 import TemplateSyntaxError, UndefinedError

        where = f"{name}, domain {self.domain}" if self.domain else name
        try:
            return self._environment.get_template(name).render({**self.slots, **given}).strip()
        except UndefinedError as error:
            raise PluginError(
                f"a prompt needs a slot that the domain plugin does not fill: {error.message}",
                where=where,
                hint=f"add it to the plugin's `slots`; {self._known(str(error.message))}",
            ) from error
        except TemplateSyntaxError as error:
            where = f"{where}, line {error.lineno}"
            raise PluginError(f"a prompt is no Jinja template: {error.message}", where=where) from error
        except Exception as error:  # whatever an expression in a template of somebody else's does
            reason = f"{type(error).__name__}: {error}"
            raise PluginError(f"a prompt cannot be rendered: {reason}", where=where) from error

    def check(self) -> None:
        """Render every template once, so that a slot nobody fills is found before anything is asked.

        Raises:
            PluginError: A template uses a slot nobody fills, or is no valid template.
        """
        for name in self.templates:
            self.render(name, **dict.fromkeys(GIVEN, "1"))

    def _known(self, message: str) -> str:
        named = [f"{slot} is {says}" for slot, says in SLOTS.items() if f"'{slot}'" in message]
        return named[0] if named else f"it has {', '.join(self.slots) or 'none'}"

    @cached_property
    def _environment(self) -> SandboxedEnvironment:
        """Return Jinja without access to Python: a spec, which may hold instructions, is not trusted like code."""
        from jinja2 import DictLoader, StrictUndefined
        from jinja2.sandbox import SandboxedEnvironment

        return SandboxedEnvironment(
            loader=DictLoader(self.templates), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
