"""What is set when nobody sets it, what overrides what, and that a dump loads again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from orch_nb.errors import SettingsError
from orch_nb.settings import Settings, load, user_home
from orch_nb.settings.validation import dump

SECRET = "sk-canary-0123456789abcdef"
LAYERS = ["environment", "file", "traits", "config", "changes"]

Loader = Callable[..., Settings]


def from_python(config: Mapping[str, Any]) -> Settings:
    folder = Path("no such folder")
    return load(env={}, directory=folder, known_types=["openai", "sim"], config=config)


def test_built_in_values(hear: Loader) -> None:
    settings = hear()
    assert (settings.preset, settings.strategy, settings.fallback) == (
        "development",
        "balanced",
        "best",
    )
    assert settings.stream
    assert settings.providers == settings.models == {}
    assert asdict(settings.weights) == {"cost": 1, "quality": 1, "speed": 1}
    cache = {"enabled": True, "dir": ".orch", "ttl": 7 * 86400, "limit": 10**9}
    assert asdict(settings.cache) == cache
    assert asdict(settings.limits) == {
        "connect": 5,
        "first_token": 30,
        "idle": 20,
        "attempt": 120,
        "call": 300,
        "retry_after": 30,
        "answer": 8_000_000,
    }


@pytest.mark.parametrize("strongest", range(len(LAYERS)))
def test_a_later_layer_overrides_the_earlier_ones(hear: Loader, strongest: int) -> None:
    heard: dict[str, Any] = {}
    for layer in LAYERS[: strongest + 1]:
        if layer == "environment":
            heard["env"] = {"ORCH_CACHE_DIR": layer}
        elif layer == "file":
            heard["file"] = f"cache: {{dir: {layer}}}"
        else:
            heard[layer] = {"cache": {"dir": layer}}
    assert hear(**heard).cache.dir == LAYERS[strongest]


def test_mappings_are_merged_and_all_else_replaced(hear: Loader) -> None:
    settings = hear(
        "weights: {cost: 6, speed: 2}\n"
        "models: {'sim:a': {context: 10, capabilities: [tools, json]}}\n",
        traits={"weights": {"speed": 3}},
        config={"models": {"sim:a": {"capabilities": ["vision"]}}},
        changes={"models": {"sim:b": {"context": 20}}},
    )
    assert asdict(settings.weights) == {"cost": 6, "quality": 1, "speed": 3}
    assert settings.models["sim:a"].context == 10
    assert settings.models["sim:a"].capabilities == ("vision",)
    assert settings.models["sim:b"].context == 20


def test_a_null_in_a_later_layer_takes_a_value_back(hear: Loader) -> None:
    settings = hear("cache: {ttl: 3s}", config={"cache": {"ttl": None}})
    assert settings.cache.ttl is None


def test_sections_without_a_value_say_nothing(hear: Loader) -> None:
    settings = hear("strategy:\nproviders:\n  sim:\nmodels:\n")
    assert settings.strategy == "balanced"
    assert settings.providers["sim"].type == "sim"


@pytest.mark.parametrize("off", ["off", False])
def test_cache_off_keeps_the_rest_of_the_cache_settings(hear: Loader, off: object) -> None:
    settings = hear("cache: {ttl: 1h}", config={"cache": off})
    assert (settings.cache.enabled, settings.cache.ttl) == (False, 3600)


@pytest.mark.parametrize("off", ["off", False])
def test_breaker_off_keeps_the_rest_of_the_breaker_settings(hear: Loader, off: object) -> None:
    settings = hear("breaker: {failures: 3}", config={"breaker": off})
    assert (settings.breaker.enabled, settings.breaker.failures) == (False, 3)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("30s", 30), ("15m", 900), ("12h", 43_200), ("7d", 604_800), ("1.5h", 5400), (0.5, 0.5)],
)
def test_durations(hear: Loader, written: object, seconds: float) -> None:
    assert hear(f"cache: {{ttl: {written}}}").cache.ttl == seconds


@pytest.mark.parametrize(
    ("written", "size"),
    [("500KB", 500_000), ("8MB", 8_000_000), ("1 GB", 10**9), ("1.5mb", 1_500_000), (42, 42)],
)
def test_sizes(hear: Loader, written: object, size: int) -> None:
    assert hear(f"limits: {{answer: {written}}}").limits.answer == size


def test_prices_are_exact(hear: Loader) -> None:
    price = hear("models: {'sim:a': {price: {input: 0.1, output: 20}}}").models["sim:a"].price
    assert price is not None
    assert (price.input, price.output, price.cached) == (Decimal("0.1"), Decimal(20), None)


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_a_key_in_the_environment_configures_its_provider(hear: Loader, name: str) -> None:
    env = {f"{name.upper()}_API_KEY": f" {SECRET}\n"}
    settings = hear(env=env)
    assert list(settings.providers) == [name]
    assert settings.providers[name].base_url is None
    assert settings.providers[name].key(env) == SECRET
    assert settings.providers[name].key({}) is None


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_a_base_url_in_the_environment_may_lead_anywhere(hear: Loader, name: str) -> None:
    settings = hear(env={f"{name.upper()}_BASE_URL": "https://proxy.example/v1"})
    assert settings.providers[name].base_url == "https://proxy.example/v1"


def test_empty_variables_count_as_unset(hear: Loader) -> None:
    names = ["OPENAI_API_KEY", "OPENAI_BASE_URL", "ORCH_STREAM", "ORCH_CACHE_DIR", "ORCH_CONFIG"]
    assert hear(env=dict.fromkeys(names, "")) == hear()


def test_a_provider_type_that_is_not_there_is_not_configured(tmp_path: Path) -> None:
    settings = load(env={"OPENAI_API_KEY": SECRET}, directory=tmp_path, known_types=["sim"])
    assert settings.providers == {}


@pytest.mark.parametrize(
    ("written", "on"), [("0", False), ("1", True), ("off", False), ("TRUE", True)]
)
def test_switches(hear: Loader, written: str, on: bool) -> None:
    assert hear(env={"ORCH_STREAM": written}).stream is on
    assert hear(env={"ORCH_PROBE": written}).probe is on


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("box", "http://box:11434"),
        ("box:99", "http://box:99"),
        (":99", "http://127.0.0.1:99"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:99", "http://127.0.0.1:99"),
        ("http://0.0.0.0:99/", "http://127.0.0.1:99/"),
        ("[::]:99", "http://127.0.0.1:99"),
        ("[::1]", "http://[::1]:11434"),
        ("http://box", "http://box"),
        ("https://box.example/ollama", "https://box.example/ollama"),
        (" box ", "http://box:11434"),
    ],
)
def test_ollama_host_has_many_forms(hear: Loader, written: str, url: str) -> None:
    assert hear(env={"OLLAMA_HOST": written}).providers["ollama"].base_url == url


def test_lmstudio_has_its_own_port(hear: Loader) -> None:
    row = hear(env={"LMSTUDIO_BASE_URL": "box"}).providers["lmstudio"]
    assert (row.base_url, row.api_key_env) == ("http://box:1234", None)


def test_orch_cache_dir_may_lead_anywhere(hear: Loader) -> None:
    assert hear(env={"ORCH_CACHE_DIR": "/elsewhere"}).cache.dir == "/elsewhere"


def test_orch_config_names_the_file(hear: Loader, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("strategy: cost")
    settings = hear("strategy: performance", env={"ORCH_CONFIG": "mine.yaml"})
    assert settings.strategy == "cost"
    absolute = hear(env={"ORCH_CONFIG": str(tmp_path / "mine.yaml")})
    assert absolute.strategy == "cost"


def test_orch_home_is_the_users_folder(tmp_path: Path) -> None:
    assert user_home({"ORCH_HOME": str(tmp_path)}) == tmp_path
    assert user_home({}) == Path(platformdirs.user_data_dir("orch_nb", appauthor=False))


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"ORCH_STREAM": "maybe"}, "ORCH_STREAM: must be 0 or 1"),
        ({"ORCH_PROBE": "maybe"}, "ORCH_PROBE: must be 0 or 1"),
        (
            {"OLLAMA_HOST": "ftp://box"},
            "OLLAMA_HOST: providers.ollama.base_url must begin with http:// or https://",
        ),
        (
            {"OLLAMA_HOST": "me@box"},
            "OLLAMA_HOST: providers.ollama.base_url must not hold a user name or password; "
            "use api_key_env for the key",
        ),
        ({"ORCH_CONFIG": "none.yaml"}, "ORCH_CONFIG: there is no file 'none.yaml'"),
        ({"ORCH_CACHE_DIR": "~/x"}, "ORCH_CACHE_DIR: cache.dir must be written out, without ~"),
        (
            {"OPENAI_BASE_URL": "api.openai.com"},
            "OPENAI_BASE_URL: providers.openai.base_url must begin with http:// or https://",
        ),
        (
            {"ANTHROPIC_BASE_URL": f"https://me:{SECRET}@api.anthropic.com"},
            "ANTHROPIC_BASE_URL: providers.anthropic.base_url must not hold a user name or "
            "password; use api_key_env for the key",
        ),
    ],
)
def test_a_bad_variable_is_named(hear: Loader, env: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        hear(env=env)
    assert str(caught.value) == message


positive = st.floats(min_value=0.001, max_value=1e6)
prices = st.decimals(min_value=0, max_value=1000, places=4)


@bounds(max_examples=50)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "preset": st.sampled_from(["cloud-only", "local-only", "development"]),
            "fallback": st.sampled_from(["best", "cheapest", "fail"]),
            "strategy": st.text(min_size=1),
            "stream": st.booleans(),
            "weights": st.fixed_dictionaries({"cost": positive}, optional={"speed": positive}),
            "cache": st.just("off") | st.fixed_dictionaries({"ttl": positive | st.none()}),
            "limits": st.fixed_dictionaries({"idle": positive, "answer": st.integers(1, 10**12)}),
            "providers": st.dictionaries(
                st.sampled_from(["openai", "sim"]),
                st.fixed_dictionaries(
                    {},
                    optional={
                        "base_url": st.just("http://[::1]:8000/v1"),
                        "api_key_env": st.just("TEAM_KEY") | st.none(),
                        "timeout": positive,
                        "headers": st.just({"X-Team": "blue"}),
                    },
                ),
            ),
            "models": st.dictionaries(
                st.just("openai:gpt-6-luna"),
                st.fixed_dictionaries(
                    {},
                    optional={
                        "price": st.fixed_dictionaries({"input": prices, "output": prices}),
                        "capabilities": st.lists(st.sampled_from(["tools", "json"])),
                        "quality": st.just({"code": 0.7}),
                    },
                ),
            ),
        },
    )
)
def test_a_dump_loads_as_the_same_settings(config: dict[str, Any]) -> None:
    settings = from_python(config)
    assert from_python(dump(settings)) == settings
