"""What a plugin author imports: records, and one Protocol per kind of plugin.

A plugin is a class that an entry point names in one of the `avspec.*` groups. It has `version` (raise it when its
results change), `Options` (what a spec may write beside `plugin:`), takes its options as the only argument,
and has at most three methods. It is handed data, never the store.
"""

from typing import TYPE_CHECKING, Any

from avspec.api.evaluation import Evaluator, Subject
from avspec.api.options import Options
from avspec.api.providers import Answer, Batches, Provider, ProviderOptions, Request
from avspec.api.rows import Domain, JsonlDomain, Row
from avspec.api.search import Sampler, SearchSpace
from avspec.api.training import Extractor, Trainer, TrainingJob, TrainingOptions

if TYPE_CHECKING:
    from avspec.api.evaluation import LogProbs

__all__ = [
    "Answer",
    "Batches",
    "Domain",
    "Evaluator",
    "Extractor",
    "JsonlDomain",
    "LogProbs",
    "Options",
    "Provider",
    "ProviderOptions",
    "Request",
    "Row",
    "Sampler",
    "SearchSpace",
    "Subject",
    "Trainer",
    "TrainingJob",
    "TrainingOptions",
]


def __getattr__(name: str) -> Any:
    """Make `LogProbs` on first use: numpy takes longer to import than a spec to check."""
    if name == "LogProbs":
        import numpy as np
        from numpy.typing import NDArray

        return NDArray[np.float64]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
