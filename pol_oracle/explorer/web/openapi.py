"""The description of the API, made from the same models that answer it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from .asked import Parameter, Parameters


@dataclass(frozen=True)
class Described:
    """One page's JSON: path with ``{parameters}``, what it is, and its model."""

    path: str
    words: str
    model: type[BaseModel]
    query: Parameters = field(default_factory=dict)


def describe(endpoints: Sequence[Described]) -> dict[str, Any]:
    """Returns the OpenAPI document."""
    _, schemas = models_json_schema(
        [(e.model, "serialization") for e in endpoints], ref_template="#/components/schemas/{model}"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "pol explorer",
            "version": "1",
            "description": "Read-only. Ids and hashes are 0x-prefixed hex, amounts exact decimal text in ETH or LEARN, "
            "times L1 seconds.",
        },
        "paths": {f"/api{e.path}": {"get": _operation(e)} for e in endpoints},
        "components": {"schemas": schemas.get("$defs", {})},
    }


def _operation(endpoint: Described) -> dict[str, Any]:
    inside = [part[1:-1] for part in endpoint.path.split("/") if part.startswith("{")]
    schema = {"$ref": f"#/components/schemas/{endpoint.model.__name__}"}
    parameters = [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in inside]
    parameters += [
        {"name": name, "in": "query", "required": False, "description": one.words, "schema": _schema(one)}
        for name, one in endpoint.query.items()
    ]
    return {
        "summary": endpoint.words,
        "parameters": parameters,
        "responses": {
            "200": {"description": endpoint.words, "content": {"application/json": {"schema": schema}}},
            "400": {"description": "A parameter is wrong, or there is none of that name."},
            "404": {"description": "There is no such thing on this chain."},
            "503": {"description": "The index is being made anew; ask again."},
        },
    }


def _schema(one: Parameter) -> dict[str, str]:
    return {"type": "integer"} if one.type == "integer" else {"type": "string", "pattern": f"^{one.pattern}$"}
