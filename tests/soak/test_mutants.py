"""Whatever is written or sent: it is read, or refused with an error of ours, and soon."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from documents import PAGES, blocks
from orch_nb import Session
from orch_nb.errors import OrchError
from orch_nb.notebook.magics import ORCH, SELECT
from orch_nb.providers import known_types
from orch_nb.settings import Settings, load
from orch_nb.templates.template import fill
from soak.mutation import mutants
from soak.sizes import sized

DATA = Path(__file__).parents[1] / "data"
COUNT = sized(1000, 10_000, 100_000)
#: Seconds of computing for one of them. Half a second is meant; more is for a slow machine.
LONGEST = 2.0
LINES = (
    "-s cost --model a:llama3.1:8b --max-cost 0.01 Why is {{ name }} blue?",
    "--system 'Be brief' --temperature=0 -o answer --schema Reply --dry-run -- -- x",
    "--check 'assert f(2) == 4' --verifier a:m --image plot.png --seed -1 --quiet",
    "--strategy weighted --weights cost=6,quality=3,speed=1 --pin sql=a:m --unpin code",
    "--task code --tool sql --tool vision --provider a --exclude b --local --min-quality 0.5",
    "history 3 --all",
)
TEMPLATES = (
    "A {{ name }} of {{ items | join(', ') }} in {{ table['a'][0] if n > 3 else 'none' }}",
    '{{ n * 10 }} {% raw %} {# x #} {{ \'{{\' }} {"a": {"b": 1}}',
    "{{ name.upper() ~ n }} {{ items[0] }} {{ range(n) | list }} {{ dict(a=1).items() }}",
    "{{ ''.__class__.__mro__ }} {{ 'a' * 10**9 }} {{ '%9999999d' | format(n) }}",
)
VALUES = {"name": "sky", "items": [1, 2], "table": {"a": [1]}, "n": 5}


@contextmanager
def bounded(case: object, longest: float = LONGEST) -> Iterator[None]:
    """The body ends as it should or with an error of ours, of one line, and soon."""
    began, said = time.process_time(), ""
    try:
        yield
    except OrchError as error:
        said = str(error)
    except Exception as error:
        raise AssertionError(f"{case!r} raised {type(error).__name__}") from error
    assert "\n" not in said, case
    assert time.process_time() - began < longest, case


def texts(corpus: Iterable[str], seed: str) -> Iterator[str]:
    encoded = [text.encode("utf-8", "surrogatepass") for text in corpus]
    for data in mutants(encoded, COUNT, seed):
        yield data.decode("utf-8", "surrogateescape")


def test_lines_of_magics() -> None:
    for line in texts(LINES, "lines"):
        for options in (ORCH, SELECT):
            with bounded(line):
                _, rest = options.parse(line)
                assert line.rstrip().endswith(rest)


def test_templates() -> None:
    hostile = json.loads((DATA / "hostile_templates.json").read_text(encoding="utf-8"))
    for text in texts([*TEMPLATES, *(case["text"] for case in hostile["cases"])], "templates"):
        with bounded(text):
            assert isinstance(fill(text, VALUES), str)


def test_settings(tmp_path: Path) -> None:
    hostile = json.loads((DATA / "hostile_yaml.json").read_text(encoding="utf-8"))
    written = [case["text"] for case in hostile if "text" in case]
    (example,) = blocks(PAGES["settings"], "yaml")
    corpus = [
        text.encode("utf-8", "surrogateescape") for text in (*[example] * len(written), *written)
    ]
    env, types = {"ORCH_HOME": str(tmp_path / "home")}, known_types()
    for content in mutants(corpus, COUNT, "settings"):
        (tmp_path / "orch.yaml").write_bytes(content)
        with bounded(content):
            assert isinstance(load(env=env, directory=tmp_path, known_types=types), Settings)


PIPELINE = """\
inputs: {topic: rivers}
selection_schema: {strategy: weighted, weights: {cost: 2, quality: 1}}
experts: {editor: "sim:small"}
budget: 0.50
steps:
  - {id: outline, prompt: "Outline {{ topic }} in five lines"}
  - {id: part, prompt: "Write about {{ item }}", for_each: "{{ outline.lines }}", max_parallel: 4}
  - {id: edit, prompt: "Edit: {{ part.text }}", tool: editor, when: "part | length > 2"}
outputs: {article: "{{ edit.text or part.text }}"}
"""


def test_pipelines() -> None:
    with Session() as s:
        s.pipeline(PIPELINE).plan({})
        for content in mutants([PIPELINE.encode()], COUNT, "pipelines"):
            with bounded(content):
                s.pipeline(content.decode("utf-8", "surrogateescape")).plan({"topic": "lakes"})
