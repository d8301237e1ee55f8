"""JSON Schema as short as a model can still act on."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


def short_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of `model`, an object, without titles, docstrings and nulls.

    A null argument counts as an absent one and a result has no nulls, so neither is worth saying.
    """
    schema = model.model_json_schema(schema_generator=_ShortSchema)
    return {"type": "object", **schema}


class _ShortSchema(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        short = super().model_schema(schema)
        short.pop("title", None)
        short.pop("description", None)
        return short

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)
