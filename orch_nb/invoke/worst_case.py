"""What a call can cost at most: bounds, where `orch_nb.registry.tokens` has estimates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

from orch_nb.registry.tokens import count_tokens
from orch_nb.types import ModelCard, Prices, Request

# No tokenizer makes more than one token of a byte. The other two are chosen: above what the chat
# templates of open models put around a turn, and what vendors put before tools and schemas.
_PER_TURN = 16
_PER_FORM = 1024
# The most that a model card states for one image ("4-16384", Qwen2-VL). A model that counts more,
# as gpt-4o-mini does, may cost more than was reserved; it is settled as it counts.
_PER_IMAGE = 16_384
_ANY = 10**12  # tokens: more than any price list has a threshold for


def input_bound(request: Request) -> int:
    """Input tokens that `request` cannot pass."""
    texts = [message.content for message in request.messages]
    texts += [request.system or ""]
    extra = _PER_TURN * (len(request.messages) + 1)
    extra += _PER_IMAGE * sum(len(message.images) for message in request.messages)
    for tool in request.tools:
        texts += [tool.name, tool.description, _written(tool.parameters)]
        extra += _PER_TURN
    if request.schema is not None:
        texts += [request.schema.name, _written(request.schema.schema)]
    if request.tools or request.schema is not None:
        extra += _PER_FORM
    return extra + sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


def output_bound(request: Request, card: ModelCard) -> int | None:
    """Output tokens that the answer cannot pass; None where nobody limits them."""
    known = (request.parameters.max_tokens, card.max_output, card.context)
    return min((bound for bound in known if bound is not None), default=None)


def worst_case(request: Request, card: ModelCard, max_output: int) -> Decimal | None:
    """Dollars that `request` costs at most with `max_output` tokens; None: no price is known."""
    if card.prices is None:
        return None
    given = input_bound(request)
    into, out = _dearest(card.prices, given)
    return (given * into + max_output * out) / 1_000_000


def affordable(request: Request, card: ModelCard, left: Decimal) -> int:
    """Output tokens that `left` dollars pay for in the worst case, beside the input."""
    if card.prices is None:
        return 0
    given = input_bound(request)
    into, out = _dearest(card.prices, given)
    rest = left * 1_000_000 - given * into
    return max(0, int(rest / out)) if out else 0


def room(request: Request, card: ModelCard) -> int | None:
    """Output tokens for which the context has room, by an estimate; None where it is unknown."""
    if card.context is None:
        return None
    texts = [message.content for message in request.messages] + [request.system or ""]
    return max(0, card.context - sum(map(count_tokens, texts)) - _PER_TURN * len(texts))


def is_free(prices: Prices) -> bool:
    """Whether nothing that is sent or answered costs anything."""
    return all(price == 0 for price in _dearest(prices, _ANY))


def _dearest(prices: Prices, given: int) -> tuple[Decimal, Decimal]:
    """The highest input and output price that up to `given` input tokens can have."""
    tiers = [prices, *(tier for start, tier in prices.long_context if given > start)]
    into = max(max(tier.input, tier.cached or tier.input) for tier in tiers)
    return into, max(tier.output for tier in tiers)


def _written(schema: Mapping[str, object]) -> str:
    return json.dumps(schema, ensure_ascii=False)
