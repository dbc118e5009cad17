"""What a minute of talk costs: by the model's price, or by the deployment's own."""

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime_lb.accounting.prices import PRICES, Price, price_of, price_per_minute
from realtime_lb.deployments import Deployment


def deployment(model: str = "unheard-of", provider: str = "openai", **attributes: Any) -> Deployment:
    return Deployment(id="a", model_group="voice", model=model, provider=provider, **attributes)


def minute(**attributes: Any) -> float | None:
    return price_per_minute(deployment(**attributes))


@pytest.mark.parametrize(
    ("model", "dollars"),
    [
        ("gpt-realtime", 0.048),
        ("gpt-realtime-2025-08-28", 0.048),
        ("gpt-realtime-1.5", 0.048),
        ("gpt-realtime-2.1", 0.048),
        ("gpt-realtime-2.1-mini", 0.015),
        ("gpt-realtime-mini-2025-12-15", 0.015),
        ("gpt-4o-realtime-preview-2025-06-03", 0.06),
        ("gpt-4o-mini-realtime-preview-2024-12-17", 0.015),
        ("gpt-realtime-translate", 0.034),
        ("gpt-realtime-whisper", 0.017),
        ("gpt-live-1", 0.05),
        ("amazon.nova-2-sonic", 0.0081),
        ("gemini-3.8-live", 0.0081),
        ("gpt-realtime-3", None),
        ("*", None),
        ("", None),
    ],
)
def test_a_minute_is_300_tokens_heard_and_600_said(model: str, dollars: float | None) -> None:
    assert minute(model=model) == (None if dollars is None else pytest.approx(dollars))


@pytest.mark.parametrize(
    ("named", "dollars"),
    [
        ({"model": "gpt-realtime"}, 0.048),
        ({"model": "my-voice", "base_model": "gpt-realtime"}, 0.048),
        ({"model": "my-voice", "base_model": "azure/gpt-realtime-2025-08-28"}, 0.048),
        ({"model": "gpt-realtime", "base_model": "gpt-realtime-mini"}, 0.015),
        ({"model": "x", "base_model": "azure/gpt-4o-realtime-preview-2024-12-17"}, 0.06),
        ({"model": "x", "base_model": "azure/us/gpt-4o-realtime-preview-2024-12-17"}, 0.066),
        ({"model": "x", "base_model": "eu/gpt-4o-realtime-preview-2024-12-17"}, 0.066),
        ({"model": "gpt-4o-realtime-preview-2024-10-01"}, 0.15),
        ({"model": "x", "base_model": "azure/eu/gpt-4o-realtime-preview-2024-10-01"}, 0.165),
        ({"model": "x", "base_model": "azure/us/gpt-4o-mini-realtime-preview-2024-12-17"}, 0.0165),
        ({"model": "x", "base_model": "azure/eu/gpt-realtime-mini"}, 0.015),
        ({"model": "my-voice"}, None),
    ],
)
def test_azure_is_priced_by_the_model_behind_its_deployment_and_by_zone(
    named: dict[str, str], dollars: float | None
) -> None:
    assert minute(provider="azure", **named) == (None if dollars is None else pytest.approx(dollars))


def test_a_vendors_prefix_counts_before_the_provider() -> None:
    assert minute(base_model="azure/gpt-4o-realtime-preview-2024-10-01") == pytest.approx(0.15)
    assert minute(model="gpt-4o-realtime-preview-2024-10-01") == pytest.approx(0.06)


def test_grok_voice_is_priced_by_the_minute() -> None:
    assert minute(model="grok-voice-latest", provider="xai") == pytest.approx(0.08)
    assert minute(base_model="xai/grok-voice-2.0") == pytest.approx(0.08)
    assert minute(model="grok-voice-latest") is None


def test_voice_live_has_openais_models_but_not_its_prices() -> None:
    assert minute(model="gpt-realtime", provider="azure_voice_live") is None
    assert minute(
        model="gpt-realtime", provider="azure_voice_live", base_model="gpt-realtime"
    ) == pytest.approx(0.048)
    assert minute(
        model="gpt-realtime",
        provider="azure_voice_live",
        prices={"input_cost_per_audio_token": 1e-5, "output_cost_per_audio_token": 2e-5},
    ) == pytest.approx(0.015)


@pytest.mark.parametrize(
    ("prices", "dollars"),
    [
        ({"input_cost_per_audio_token": 1e-5, "output_cost_per_audio_token": 2e-5}, 0.003 + 0.012),
        ({"input_cost_per_audio_token": 1e-5}, 0.003 + 0.0384),
        ({"output_cost_per_audio_token": 1e-5}, 0.0096 + 0.006),
        ({"input_cost_per_audio_token": 0.0, "output_cost_per_audio_token": 0}, 0.0),
        ({"input_cost_per_token": 1e-5}, 0.048),
        ({"input_cost_per_second": 0.001}, 0.06),
        ({"output_cost_per_second": 0.002}, 0.06),
        ({"input_cost_per_second": 0.001, "output_cost_per_second": 0.002}, 0.12),
        ({"input_cost_per_second": 0.001, "input_cost_per_audio_token": 1.0}, 0.06),
        ({"input_cost_per_second": 0.0}, 0.0),
        ({"input_cost_per_second": -1}, 0.048),
        ({"input_cost_per_second": float("nan")}, 0.048),
        ({"input_cost_per_second": float("inf")}, 0.048),
        ({"input_cost_per_second": True}, 0.048),
        ({"input_cost_per_second": "0.001"}, 0.048),
        ({"input_cost_per_second": None}, 0.048),
        ({}, 0.048),
    ],
)
def test_a_deployments_own_prices_come_first(prices: dict[str, Any], dollars: float) -> None:
    assert minute(model="gpt-realtime", prices=prices) == pytest.approx(dollars)


@pytest.mark.parametrize(
    ("prices", "dollars"),
    [
        ({"input_cost_per_audio_token": 1e-5}, None),
        ({"output_cost_per_audio_token": 1e-5}, None),
        ({"input_cost_per_audio_token": 1e-5, "output_cost_per_token": 2e-5}, 0.015),
        ({"input_cost_per_token": 1e-5, "output_cost_per_token": 2e-5}, 0.015),
        (
            {"input_cost_per_token": 9.9, "input_cost_per_audio_token": 1e-5, "output_cost_per_token": 2e-5},
            0.015,
        ),
    ],
)
def test_of_a_model_that_nobody_knows_both_ways_must_be_priced(
    prices: dict[str, float], dollars: float | None
) -> None:
    assert minute(prices=prices) == (None if dollars is None else pytest.approx(dollars))


def test_half_a_price_does_not_undo_a_price_by_the_minute() -> None:
    assert minute(model="gpt-live-1", prices={"input_cost_per_audio_token": 1.0}) == 0.05


def test_the_table_holds_what_the_vendors_list() -> None:
    assert price_of(deployment("gpt-realtime-2")) == Price(
        text_in=4,
        text_cached=0.4,
        text_out=24,
        audio_in=32,
        audio_cached=0.4,
        audio_out=64,
        image_in=5,
        image_cached=0.5,
    )
    assert price_of(deployment("unheard-of")) is None


@pytest.mark.parametrize("name", PRICES)
def test_every_row_gives_a_price_per_minute(name: str) -> None:
    price = price_per_minute(deployment(base_model=name))
    assert price is not None
    assert 0.001 < price < 0.2
    assert PRICES[name].minute is None or attrs.astuple(PRICES[name])[:-1] == (None,) * 8


@given(
    st.text(max_size=20) | st.sampled_from(sorted(PRICES)),
    st.sampled_from(("openai", "azure", "xai", "openai_compatible", "azure_voice_live", "other")),
    st.none() | st.text(max_size=30),
)
def test_whatever_a_deployment_is_called_there_is_a_price_or_none(
    model: str, provider: str, base_model: str | None
) -> None:
    price = minute(model=model, provider=provider, base_model=base_model)
    assert price is None or price >= 0
