"""A stage: one step of the method with everything that decides its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from avspec.digest import digest
from avspec.plan.params import Params


def main_address(address: str) -> str:
    """Return the address without the variant: `search` of `search@plain`."""
    return address.partition("@")[0]


def kind_of(address: str) -> str:
    """Return the kind of a stage: `train` of `train[medical]`."""
    return main_address(address).partition("[")[0]


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
    variant: str | None = None
    """The variant of the spec that it belongs to; None for the spec itself."""

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
        """Return what a user calls it: `train[medical]`, `search`, or in a variant `search@plain`."""
        own = f"{self.kind}[{self.name}]" if self.name else self.kind
        return f"{own}@{self.variant}" if self.variant else own

    def local(self, address: str) -> str:
        """Return what the stage itself calls an input: a variant's stages do not know that they are one's.

        They have the keys that they would have if the spec said what the variant says: either finds the other's
        artifacts.
        """
        return main_address(address) if self.variant else address

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
                "inputs": {self.local(address): keys[address] for address in self.inputs},
                "plugins": list(self.plugins),
            }
        )
