"""Inference-time alignment with Alignment Vectors: spec, plan, train, search, knobs."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["SteeredModel", "__version__"]

if TYPE_CHECKING:
    from avspec.model.steered import SteeredModel


def __getattr__(name: str) -> Any:
    """Import `SteeredModel` on first use: `import avspec` alone must stay light."""
    if name == "SteeredModel":
        from avspec.model.steered import SteeredModel

        return SteeredModel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
