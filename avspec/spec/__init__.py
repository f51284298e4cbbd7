"""Text to spec: the only place that knows YAML."""

from avspec.spec.loaded import LoadedSpec, load_spec
from avspec.spec.model import Spec
from avspec.spec.schema import schema

__all__ = ["LoadedSpec", "Spec", "load_spec", "schema"]
