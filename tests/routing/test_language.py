"""The language of a prompt."""

from __future__ import annotations

import pytest

from orch_nb.routing.language import language_of
from orch_nb.routing.wording import read
from routing.task_training import examples


@pytest.mark.parametrize(
    ("prompt", "language"),
    [
        ("What is the capital of Peru?", "en"),
        ("Schreibe mir eine E-Mail an den Chef", "de"),
        ("Écris un poème sur la mer", "fr"),
        ("¿Cuál es la capital de Perú?", "es"),
        ("Scrivi una poesia sul mare e sulla luna", "it"),
        ("Escreva um poema sobre o mar e as ondas", "pt"),
        ("Schrijf een gedicht over de zee", "nl"),
        ("Napisz wiersz o morzu, proszę", "pl"),
        ("Skriv en dikt om havet och solen", "sv"),
        ("Bana deniz için bir şiir yaz", "tr"),
        ("Напиши стихотворение о море", "ru"),
        ("Напиши вірш про море, її хвилі", "uk"),
        ("Γράψε ένα ποίημα", "el"),
        ("اكتب قصيدة عن البحر", "ar"),
        ("כתוב שיר על הים", "he"),
        ("समुद्र पर एक कविता लिखो", "hi"),
        ("เขียนบทกวีเกี่ยวกับทะเล", "th"),
        ("海についての詩を書いてください", "ja"),
        ("바다에 대한 시를 써 줘", "ko"),
        ("写一首关于大海的诗", "zh"),
        ("Translate this into English: 你多大了?", "en"),
        ("Translate the headers to English: Datum, Betrag, Empfänger, Zweck", "en"),
        ("2 + 2", ""),
        ("x = y", ""),
        ("", ""),
        ("😀 🎉", ""),
    ],
)
def test_language(prompt: str, language: str) -> None:
    assert language_of(read(prompt)) == language


def test_it_is_seldom_wrong_on_short_prompts() -> None:
    told = [(language_of(read(example.prompt)), example.language) for example in examples()]
    wrong = [pair for pair in told if pair[0] not in ("", pair[1])]
    right = [pair for pair in told if pair[0] == pair[1]]
    assert len(wrong) <= 0.02 * len(told)
    assert len(right) >= 0.93 * len(told)
