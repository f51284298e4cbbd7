"""Text to spec: the only place that knows YAML."""

from avspec.spec.loaded import LoadedSpec, load_spec
from avspec.spec.model import Spec

__all__ = ["LoadedSpec", "Spec", "load_spec"]
