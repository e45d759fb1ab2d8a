"""How long an answer is expected to be: as the prompt asks, else as usual for its kind."""

from __future__ import annotations

from itertools import pairwise

from orch_nb.routing.wording import Wording

# Output tokens that an answer of each kind usually takes: round figures for an estimate that is
# shown as one, until the answers of the user's own models have been seen.
_USUAL = {
    "chat": 250,
    "code": 500,
    "math": 300,
    "summary": 200,
    "translation": 250,
    "extraction": 150,
    "analysis": 500,
    "creative": 600,
    "planning": 500,
    "reasoning": 600,
    "vision": 250,
}
# Tokens per unit: OpenAI's rules of thumb for English (100 tokens are 75 words or one paragraph,
# two sentences 30 to 40 tokens, a token four characters). A page is taken as 500 words, an item as
# a long sentence, a line as a short one.
_TOKENS = {
    "token": (1.0, "token tokens"),
    "word": (4 / 3, "word words wort wörter wörtern worte worten mot mots palabra palabras"),
    "character": (1 / 4, "character characters zeichen caractères caracteres"),
    "sentence": (
        20.0,
        "sentence sentences satz sätze sätzen phrase phrases frase frases oraciones",
    ),
    "line": (15.0, "line lines zeile zeilen ligne lignes línea líneas verse verses"),
    "item": (
        25.0,
        """item items bullet bullets point points punkte punkten puntos ideas ideen idées reasons
        gründe raisons razones examples beispiele exemples ejemplos names namen noms nombres
        suggestions tips questions fragen preguntas titles slogans facts options alternatives""",
    ),
    "paragraph": (
        100.0,
        "paragraph paragraphs absatz absätze absätzen paragraphe párrafo párrafos",
    ),
    "page": (2000 / 3, "page pages seite seiten página páginas"),
}
_UNITS = {word: size for size, words in _TOKENS.values() for word in words.split()}
_UNIT_WORDS = frozenset(_UNITS)
_SPELLED = (
    "one a an ein einem einen einer une un una uno",
    "two zwei deux dos",
    "three drei trois tres",
    "four vier quatre cuatro",
    "five fünf cinq cinco",
    "six sechs seis",
    "seven sieben sept siete",
    "eight acht huit ocho",
    "nine neun neuf nueve",
    "ten zehn dix diez",
)
_NUMBERS = {
    word: number for number, words in enumerate(_SPELLED, start=1) for word in words.split()
} | {"twelve": 12, "fifteen": 15, "twenty": 20, "fifty": 50, "hundred": 100}
# Words before a number by which a length is asked for; without one it may be told of something.
_ASKING = """in within under about around exactly most than to up roughly approximately maximum max
    limit write give list name create generate make produce suggest provide me only using least
    brainstorm auf höchstens maximal etwa ungefähr genau gib nenne schreibe schreib mir en moins
    environ exactement donne écris menos unas exactamente máximo dame escribe"""
_ASKED = frozenset(_ASKING.split())
# Words right before a number that tell of something that is there.
_TOLD = frozenset(("have", "has", "had", "got", "the", "these", "those", "are", "were", "contains"))
# Words after a unit that ask as well.
_AFTER = frozenset(("or", "max", "maximum", "long", "summary", "please", "story", "essay", "each"))
_LARGEST = 100_000  # tokens; what asks for more is no length


def output_tokens(kind: str, wording: Wording, input_tokens: int) -> tuple[int, str]:
    """Expected tokens of the answer, and the words that say so: "" for what is usual."""
    words = wording.nearest
    asked = 0.0
    said = ""
    found = not _UNIT_WORDS.isdisjoint(wording.distinct)
    for place in [place for place, word in enumerate(words) if word in _UNITS] if found else ():
        length, start = _length(words, place)
        if length > asked:
            asked, said = length, " ".join(words[start : place + 1])
    if "list" in wording.distinct and ("list", "of") in pairwise(words):
        count = _number(words, words.index("list") + 2)
        asked, said = max((asked, said), (count * _TOKENS["item"][0], f"list of {count}"))
    if 0 < asked <= _LARGEST:
        return max(1, round(asked)), said
    usual = _USUAL[kind]
    if kind == "translation":
        usual = max(1, input_tokens)
    if kind == "summary":
        usual = max(30, min(usual, input_tokens))
    return usual, ""


def _length(words: list[str], place: int) -> tuple[float, int]:
    """Tokens of the length whose unit stands at `place`, and where it begins; 0 for none.

    An adjective may stand between number and unit; "1,000" is one number.
    """
    size = _UNITS[words[place]]
    after = words[place + 1 : place + 2]
    for start in (place - 1, place - 2):
        count = _number(words, start)
        begins = start
        if start > 0 and len(words[start]) == 3 and (words[start - 1] + words[start]).isdecimal():
            count, begins = _number(words, start - 1) * 1000 + count, start - 1
        if begins > 0 and words[begins - 1] in _TOLD:
            continue
        asked = begins == 0 or not _ASKED.isdisjoint(words[max(0, begins - 3) : begins])
        ends = not after or after[0] in _AFTER
        if count > 1 and (asked or ends or size == _TOKENS["token"][0]):
            return count * size, begins
        if count == 1 and asked and size != _TOKENS["item"][0]:
            return size, begins
    return 0.0, place


def _number(words: list[str], place: int) -> int:
    word = words[place] if 0 <= place < len(words) else ""
    if word.isdecimal():
        return int(word) if len(word) < 7 else 0
    return _NUMBERS.get(word, 0)
