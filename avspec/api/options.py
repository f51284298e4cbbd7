"""What a spec may write beside a plugin's name."""

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Base of every plugin's options: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
