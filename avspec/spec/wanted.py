"""What a behavior wants of one domain, as a spec says it."""

from __future__ import annotations

from typing import Any

from pydantic import Field, GetJsonSchemaHandler, model_serializer, model_validator
from pydantic_core import CoreSchema

from avspec.spec.section import Section


class Wanted(Section):
    """What a behavior wants of one domain; a bare level is short for `{level: LEVEL}`."""

    level: str
    """The level that must be dominant."""
    share: float | None = Field(default=None, gt=0, le=1)
    """Least share of the domain's rows that the level must dominate, besides having the largest share."""
    weight: float = Field(default=1.0, gt=0)
    """How much the domain counts beside the others: a search gives weight 2 twice the margin, or leaves it half as
    far short. What holds does not depend on it."""

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"level": value}
        if not isinstance(value, dict | Wanted):
            raise ValueError("must be a level, or a section of `level`, `share` and `weight`")
        return value

    @model_serializer(mode="plain")
    def written(self) -> str | dict[str, Any]:
        """Return it as short as a spec can say it: nothing that is a default, a lone level bare."""
        more: dict[str, Any] = {"share": self.share} if self.share is not None else {}
        more |= {"weight": self.weight} if self.weight != 1 else {}
        return {"level": self.level, **more} if more else self.level

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        section = handler.resolve_ref_schema(handler(core_schema))
        description = section.pop("description")
        level = {"type": "string", "description": "The level that must be dominant."}
        return {"description": description, "anyOf": [level, section]}
