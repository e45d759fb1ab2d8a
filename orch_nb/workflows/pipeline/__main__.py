"""``python -m orch_nb.workflows.pipeline``: print the JSON Schema of pipelines, for editors."""

from __future__ import annotations

import json
from typing import Any

from orch_nb.workflows.pipeline.spec import Spec

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The grammar of pipelines as a JSON Schema."""
    return {"$schema": _DRAFT, **Spec.model_json_schema()}


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2, ensure_ascii=False))
