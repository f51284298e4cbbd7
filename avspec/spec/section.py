"""What all parts of a spec have in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of a spec: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)
