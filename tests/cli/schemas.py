"""The JSON Schema files of docs/json, and what they say of an output."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "json"


@cache
def registry() -> Registry[Any]:
    """All files, by name."""
    contents = (json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json")))
    return Registry().with_resources((content["$id"], Resource.from_contents(content)) for content in contents)


@cache
def validator(name: str) -> Draft202012Validator:
    """Checks against the file of that name."""
    return Draft202012Validator(registry().contents(f"{name}.json"), registry=registry())


def check(document: Any) -> None:
    """Raises unless a document is the envelope of its command, with what that command's schema says inside."""
    validator("envelope").validate(document)
    if document["ok"]:
        validator(document["command"].replace(" ", "-")).validate(document["data"])
