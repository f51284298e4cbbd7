"""Every error avspec raises on purpose.

    AvspecError                 1
      UsageError               64   wrong arguments or options
      SpecError                65   problems in a spec, all of them at once
      DataError                65   problems in a file of rows
      NoInput                  66   a file, run or artifact that is not there
      PluginError              69   a plugin that is unknown, broken or claimed twice
      ModelError               69   a model that cannot be loaded, or vectors that do not fit it
      ProviderError            69   a language model that does not answer: no key, wrong name, out of reach
        BatchLost              69   a batch that will bring no answers
      StageFailed              70   a stage that could not finish
        NonFinite              70   NaN or infinity in training or in an evaluation
        OverBudget             70   the next call would cost more than the spec allows
      StoreError               74   the disk: full, read-only, not writable
        Corrupted              74   an artifact whose bytes are not what was written
        NewerFormat            74   a run or artifact made by a newer avspec
        StudyMismatch          74   a study that belongs to another search
      StoreBusy                75   another apply holds the store
      Interrupted             130   Ctrl+C

The numbers are the exit codes (BSD sysexits where one fits). An error says what is wrong, where, and what
to do about it; `str()` gives the three as lines.
"""

from dataclasses import dataclass


class AvspecError(Exception):
    """What is wrong, where it is, and what to do next."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.hint = what, where, hint

    def __str__(self) -> str:
        where = f"\n  at {self.where}" if self.where else ""
        hint = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{self.what}{where}{hint}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file a user wrote: `line` and `column` count from 1, 0 means unknown."""

    what: str
    file: str = ""
    line: int = 0
    column: int = 0
    source: str = ""
    hint: str = ""

    @property
    def where(self) -> str:
        """Return `file:line:column` without the parts that are unknown."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.source:
            gutter = f"  {self.line} | "
            lines.append(gutter + self.source.rstrip())
            if self.column:
                lines.append(" " * (len(gutter) + self.column - 1) + "^")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class ProblemsError(AvspecError):
    """Several problems of one file or set of files, told at once."""

    exit_code = 65

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        count = f"{len(problems)} problems" if len(problems) != 1 else "1 problem"
        super().__init__(f"{count} found")

    def __str__(self) -> str:
        return "\n\n".join(str(problem) for problem in self.problems) + f"\n\n{self.what}"


class SpecError(ProblemsError):
    """Problems in a spec."""


class DataError(ProblemsError):
    """Problems in a file of rows."""


class UsageError(AvspecError):
    """Wrong arguments or options on the command line."""

    exit_code = 64


class NoInput(AvspecError):
    """A file, run or artifact that is not there."""

    exit_code = 66


class PluginError(AvspecError):
    """A plugin that is unknown, broken, or claimed by two distributions."""

    exit_code = 69


class ModelError(AvspecError):
    """A model that cannot be loaded, or vectors that do not belong to it."""

    exit_code = 69


class ProviderError(AvspecError):
    """A language model that does not answer: no key, a wrong name, out of reach, a request it does not take."""

    exit_code = 69


class BatchLost(ProviderError):
    """A batch that will bring no answers: gone, expired or cancelled. Only then is it handed in anew."""


class StageFailed(AvspecError):
    """A stage that could not finish."""

    exit_code = 70


class NonFinite(StageFailed):
    """NaN or infinity where a number is needed."""


class OverBudget(StageFailed):
    """The next call would cost more than the spec allows."""


class StoreError(AvspecError):
    """The disk is full, read-only or not writable."""

    exit_code = 74


class Corrupted(StoreError):
    """An artifact whose bytes are not what was written."""


class NewerFormat(StoreError):
    """A run or artifact made by a newer avspec."""


class StudyMismatch(StoreError):
    """A study that belongs to another spec, other vectors or other evaluators."""


class StoreBusy(AvspecError):
    """Another apply holds the store."""

    exit_code = 75


class Interrupted(AvspecError):
    """Stopped by the user."""

    exit_code = 130
