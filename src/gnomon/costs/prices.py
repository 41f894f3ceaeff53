"""What models cost: prices of one's own first, then those that genai-prices knows for the day of the call."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version

from genai_prices import Usage, calc_price
from genai_prices.types import TieredPrices

from gnomon.costs.settings import NANODOLLARS, OwnModel
from gnomon.storage.cost_store import ModelRate, UnpricedModel

_VERSION = version("genai-prices")


def find_rates(wanted: UnpricedModel, own: Sequence[OwnModel]) -> list[ModelRate]:
    """Return what a model cost on a day, one rate for each tier of input; none where nobody knows.

    Every rate names where it comes from: `genai-prices` with its version and its names, or the configuration.
    """
    for model in own:
        if model.model == wanted.model and model.provider in {"", wanted.provider}:
            return [
                ModelRate(
                    provider=wanted.provider,
                    model=wanted.model,
                    day=wanted.day,
                    above_tokens=0,
                    input=model.input_nd,
                    cached=model.cached_nd,
                    cache_write=model.input_nd,
                    output=model.output_nd,
                    source="configuration costs.models",
                )
            ]
    return _known(wanted)


def _known(wanted: UnpricedModel) -> list[ModelRate]:
    if not wanted.model:
        return []
    try:
        found = calc_price(
            Usage(input_tokens=1, output_tokens=1),
            model_ref=wanted.model,
            provider_id=wanted.provider or None,
            genai_request_timestamp=datetime.fromisoformat(wanted.day).replace(hour=12, tzinfo=UTC),
        )
    except LookupError:
        return []
    price = found.model_price
    prices = (price.input_mtok, price.cache_read_mtok, price.cache_write_mtok, price.output_mtok)
    starts = {tier.start for each in prices if isinstance(each, TieredPrices) for tier in each.tiers}
    rates = []
    for start in sorted({0, *starts}):
        entry, cached, cache_write, output = (_at(each, start) for each in prices)
        if entry is None and output is None:
            return []
        rates.append(
            ModelRate(
                provider=wanted.provider,
                model=wanted.model,
                day=wanted.day,
                above_tokens=start,
                input=entry or 0,
                cached=cached if cached is not None else entry or 0,
                cache_write=cache_write if cache_write is not None else entry or 0,
                output=output or 0,
                source=f"genai-prices {_VERSION} {found.provider.id}/{found.model.id}",
            )
        )
    return rates


def _at(price: Decimal | TieredPrices | None, above_tokens: int) -> int | None:
    if isinstance(price, TieredPrices):
        reached = [tier.price for tier in price.tiers if tier.start <= above_tokens]
        price = reached[-1] if reached else price.base
    return None if price is None else int((price * NANODOLLARS).to_integral_value())
