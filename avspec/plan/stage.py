"""A stage: one step of the method with everything that decides its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from avspec.digest import digest
from avspec.plan.params import Params


@dataclass(frozen=True)
class Stage:
    """One node of the graph; its key names the artifact it makes."""

    params: Params
    name: str | None = None
    """Domain or guardrail, for the kinds that have one stage each."""
    inputs: tuple[str, ...] = ()
    """Addresses of the stages whose artifacts it reads."""
    plugins: tuple[dict[str, str], ...] = field(default=())
    """Identity of every plugin it runs: group, name, distribution, version."""

    @property
    def kind(self) -> str:
        """Return base, data, train, extract, sweep, search, evaluate or report."""
        return self.params.KIND

    @property
    def version(self) -> int:
        """Return the version of the kind's code."""
        return self.params.VERSION

    @property
    def address(self) -> str:
        """Return what a user calls it: `train[medical]`, or `search`."""
        return f"{self.kind}[{self.name}]" if self.name else self.kind

    def key(self, keys: Mapping[str, str]) -> str:
        """Return the SHA-256 that names the artifact.

        Args:
            keys: Address to key of at least the inputs.
        """
        return digest(
            {
                "kind": self.kind,
                "version": self.version,
                "params": self.params.identity(),
                "inputs": {address: keys[address] for address in self.inputs},
                "plugins": list(self.plugins),
            }
        )
