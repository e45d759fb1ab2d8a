"""What is wrong is said in one line that names its place, and never repeats a secret."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orch_nb.errors import SettingsError
from orch_nb.settings import Settings
from orch_nb.settings.validation import dump

SECRET = "sk-canary-0123456789abcdef"

Loader = Callable[..., Settings]

PROVIDER = "providers:\n  team:\n    type: compatible\n    "
URL = "must be http(s)://host[:port][/path] in ASCII, without ? or #"


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        (
            "preset: development\n\nstratgy: x",
            3,
            "unknown setting 'stratgy'; did you mean strategy?",
        ),
        ("zones: {a: 1}", 1, "unknown setting 'zones'; choose from breaker, budget, "),
        ("limits:\n  conect: 3", 2, "unknown limits setting 'conect'; did you mean connect?"),
        (
            PROVIDER + "timout: 3",
            4,
            "unknown providers.team setting 'timout'; did you mean timeout?",
        ),
        (
            "models:\n  'sim:a':\n    price:\n      inptu: 3",
            4,
            "unknown models.sim:a.price setting 'inptu'; did you mean input? (and 2 more)",
        ),
        ("a: 1\nb: 2", 1, "unknown setting 'a'; choose from"),
        ("preset: cloud", 1, "preset must be 'cloud-only', 'local-only' or 'development'"),
        ("fallback: none", 1, "fallback must be 'best', 'cheapest' or 'fail'"),
        ("strategy: ''", 1, "strategy must not be empty"),
        ("strategy: [a]", 1, "strategy must be text"),
        ("stream: 'no'", 1, "stream must be true or false"),
        ("weights: {cost: '5'}", 1, "weights.cost must be a number"),
        ("weights:\n  cost: 1\n  speed: -1", 3, "weights.speed must be greater than or equal to 0"),
        ("weights: {cost: 0, quality: 0, speed: 0}", 1, "weights must not all be 0"),
        ("weights: 1", 1, "weights must be a mapping, such as {name: value}"),
        ("providers: [openai]", 1, "providers must be a mapping, such as {name: value}"),
        ("providers:\n  openai: on", 2, "providers.openai must be a mapping"),
        (
            "limits:\n  connect: 0\n  idle: soon",
            2,
            "limits.connect must be greater than 0 (and 1 more)",
        ),
        ("limits: {answer: 8XB}", 1, "limits.answer must be a number of bytes, or a size such as"),
        ("cache:\n  ttl: 1 week", 2, "cache.ttl must be a number of seconds, or a duration such"),
        ("cache: {dir: ../x}", 1, "cache.dir must stay inside the notebook's folder;"),
        ("cache: {dir: a/../../x}", 1, "cache.dir must stay inside the notebook's folder;"),
        ("cache: {dir: /etc}", 1, "cache.dir must stay inside the notebook's folder;"),
        ("cache: {dir: 'C:\\x'}", 1, "cache.dir must stay inside the notebook's folder;"),
        ('cache: {dir: "a\\0b"}', 1, "cache.dir must stay inside the notebook's folder;"),
        ("providers:\n  team: {}", 2, "providers.team needs a type: anthropic, compatible,"),
        ("providers:\n  team:\n    type: opnai", 3, "unknown providers.team type 'opnai'; did you"),
        ("providers:\n  a b: {type: sim}", 2, "providers.a b must be a name of letters, digits,"),
        (PROVIDER + "base_url: unix:///run/x", 4, "base_url must begin with http:// or https://"),
        (PROVIDER + 'base_url: "http://a.example/\\r\\nX: y"', 4, URL),
        (PROVIDER + "base_url: https://\u0430pi.openai.com/v1", 4, URL),
        (PROVIDER + "base_url: https://a.example\\b.example", 4, URL),
        (PROVIDER + "base_url: https://", 4, URL),
        (PROVIDER + "base_url: https://a.example:99999", 4, URL),
        (PROVIDER + "base_url: https://a..example", 4, URL),
        (PROVIDER + f"base_url: https://{'a' * 64}.example", 4, URL),
        (PROVIDER + 'base_url: "https://[::1::2]"', 4, URL),
        (PROVIDER + "base_url: https://a.example/?x=1", 4, URL),
        (PROVIDER + "max_retries: -1", 4, "max_retries must be greater than or equal to 0"),
        (PROVIDER + "max_retries: 1.5", 4, "max_retries must be a whole number"),
        (PROVIDER + "enabled: 1", 4, "enabled must be true or false"),
        (PROVIDER + "headers: {Host: a.example}", 4, "headers must not hold Host"),
        (PROVIDER + 'headers: {X-A: "b\\nc"}', 4, "headers names and values must be printable"),
        (PROVIDER + "headers: {X A: b}", 4, "headers names and values must be printable"),
        (PROVIDER + "headers: {X-A: \u20ac}", 4, "headers names and values must be printable"),
        (PROVIDER + "headers: {X-A: \u00e9}", 4, "headers names and values must be printable"),
        ("models:\n  gpt: {context: 1}", 2, "models.gpt must be a model id such as"),
        ("models: {'sim:a': {context: 0}}", 1, "models.sim:a.context must be greater than 0"),
        ("models: {'sim:a': {capabilities: tools}}", 1, "capabilities must be a list"),
        ("models: {'sim:a': {quality: {code: 2}}}", 1, "quality.code must be less than or equal"),
        ("models: {'sim:a': {price: {input: 1}}}", 1, "models.sim:a.price.output is missing"),
        ("models: {'sim:a': {price: {input: -1, output: 1}}}", 1, "price.input must be greater"),
        ("- strategy: cost", 1, "must hold settings such as `strategy: cost`"),
        ("strategy: [", 1, ""),
    ],
)
def test_what_is_wrong_in_a_file_is_said_in_one_line(
    hear: Loader, file: str, line: int, message: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        hear(file)
    shown = str(caught.value)
    assert shown.startswith(f"orch.yaml, line {line}: ")
    assert message in shown
    assert "\n" not in shown
    assert (caught.value.source, caught.value.line) == ("orch.yaml", line)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("layers", "source"),
    [
        ({"traits": {"stream": 3}}, "traitlets"),
        ({"traits": {"stream": True}, "config": {"stream": 3}}, "Session(config=…)"),
        ({"config": {"stream": True}, "changes": {"stream": 3}}, "run-time change"),
        (
            {"config": {"limits": {"idle": 0}}, "changes": {"limits": {"call": 1}}},
            "Session(config=…)",
        ),
    ],
)
def test_the_layer_that_is_wrong_is_named(
    hear: Loader, layers: dict[str, Any], source: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        hear("limits: {idle: 3}", **layers)
    assert caught.value.source == source
    assert caught.value.line is None


@pytest.mark.parametrize(
    "config", [{1: 2}, {"providers": {1: {"type": "sim"}}}, {"providers": 1}, ["strategy"], "cost"]
)
def test_data_from_python_is_checked_like_a_file(hear: Loader, config: object) -> None:
    with pytest.raises(SettingsError, match=r"^Session\(config=…\): "):
        hear(config=config)


@pytest.mark.parametrize("number", [float("inf"), float("nan"), True])
@pytest.mark.parametrize(
    "path", [("weights", "cost"), ("limits", "call"), ("limits", "answer"), ("cache", "limit")]
)
def test_numbers_are_finite_numbers(hear: Loader, path: tuple[str, str], number: float) -> None:
    with pytest.raises(SettingsError, match=r"\.".join(path)):
        hear(config={path[0]: {path[1]: number}})


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, hear: Loader) -> None:
    (tmp_path / "orch.yaml").write_bytes(b"#" * 300_000)
    with pytest.raises(SettingsError, match=r"orch\.yaml: larger than 256 KB"):
        hear()


def test_a_folder_named_like_the_file_is_no_file(tmp_path: Path, hear: Loader) -> None:
    (tmp_path / "orch.yaml").mkdir()
    assert hear().strategy == "balanced"


def test_a_link_cannot_lead_the_cache_out_of_the_project(tmp_path: Path, hear: Loader) -> None:
    (tmp_path / "link").symlink_to(tmp_path.parent, target_is_directory=True)
    with pytest.raises(SettingsError, match=r"cache\.dir must stay inside"):
        hear("cache: {dir: link/x}")


def test_hostile_files_are_refused_or_say_nothing(
    tmp_path: Path, hear: Loader, hostile: tuple[bytes, bool]
) -> None:
    content, _ = hostile
    built_in = hear()
    (tmp_path / "orch.yaml").write_bytes(content)
    before = set(tmp_path.iterdir())
    if content == b"# hi\n":
        assert hear() == built_in
    else:
        with pytest.raises(SettingsError, match=r"^orch\.yaml") as caught:
            hear()
        assert "\n" not in str(caught.value)
        assert "sk-live" not in str(caught.value)
    assert set(tmp_path.iterdir()) == before


def test_a_key_given_in_python_is_used_and_never_shown(hear: Loader) -> None:
    settings = hear(
        config={"providers": {"openai": {"api_key": SECRET, "headers": {"X-Key": SECRET}}}}
    )
    assert settings.providers["openai"].key({"OPENAI_API_KEY": "other"}) == SECRET
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)
    assert "api_key" not in dump(settings)["providers"]["openai"]


@pytest.mark.parametrize("layer", ["file", "traits", "changes"])
def test_a_key_is_accepted_only_from_python(hear: Loader, layer: str) -> None:
    data = {"providers": {"openai": {"api_key": SECRET}}}
    # JSON's form of a mapping is YAML as well.
    given = {layer: str(data) if layer == "file" else data}
    with pytest.raises(SettingsError, match="api_key is accepted only from Session") as caught:
        hear(**given)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "row",
    [
        {"api_key": [SECRET]},
        {"api_key_env": SECRET},
        {"base_url": f"https://{SECRET}@a.example"},
        {"base_url": f"https://a.example?key={SECRET}"},
        {"headers": {"X-Key": f"{SECRET}\n"}},
        {"headers": {"X-Key": [SECRET]}},
        {"timeout": SECRET},
        {"type": [SECRET]},
        {"type": SECRET},
        {SECRET: 1},
        SECRET,
    ],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(hear: Loader, row: object) -> None:
    with pytest.raises(SettingsError) as caught:
        hear(config={"providers": {"openai": row}})
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)
