"""How many guesses a password takes, as zxcvbn estimates it. Import this where it is used: it takes 60 ms and 14 MB."""

from __future__ import annotations

import re
from collections.abc import Iterable

from zxcvbn import matching, scoring

LONGEST = 28  # characters that are looked at; the time grows with their square
_SYMBOL = re.compile(r"[\W_]")
_KEYBOARD_WALKS = (
    "1234567890qwertyuiopasdfghjklzxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "qazwsxedcrfvtgbyhnujm",
    "zaq12wsxcde34rfvbgt56yhnmju7",
)


def guesses(password: str, own_words: Iterable[str]) -> int:
    """How many guesses find the password, if the owner's words are among the first to be tried.

    Capitals count for nothing, nor do one or two symbols, as in `Password@2024!`: zxcvbn takes them for more than they
    are.
    """
    text = password.lower()[:LONGEST]
    without_symbols = _SYMBOL.sub("", text)
    texts = {text, without_symbols} if len(text) - len(without_symbols) <= 2 else {text}
    dictionaries = {**matching.RANKED_DICTIONARIES, "own_words": dict.fromkeys(own_words, 1)}
    return min((_estimate(text, dictionaries) for text in texts if text), default=1)


def _estimate(text: str, dictionaries: dict[str, dict[str, int]]) -> int:
    return int(scoring.most_guessable_match_sequence(text, matching.omnimatch(text, dictionaries))["guesses"])


def _set_up_zxcvbn() -> None:
    """Bound its time and bring it up to date."""
    # Its own substitutions make up to 736 readings of one password, and take seconds. These make 4.
    matching.L33T_TABLE.clear()
    matching.L33T_TABLE.update(a=["4", "@"], e=["3"], i=["1"], o=["0"], s=["5", "$"], t=["7"])
    # Its years end with 2019.
    matching.REGEXEN["recent_year"] = re.compile(r"19\d\d|20[0-4]\d", re.ASCII)
    # One dictionary is searched sooner than six, with the same result: the lowest rank of a word counts.
    ranks = {
        walk[start:end]: 1000
        for walk in _KEYBOARD_WALKS
        for start in range(len(walk))
        for end in range(start + 6, len(walk) + 1)
    }
    for dictionary in matching.RANKED_DICTIONARIES.values():
        for word, rank in dictionary.items():
            ranks[word] = min(rank, ranks.get(word, rank))
    matching.RANKED_DICTIONARIES.clear()
    matching.RANKED_DICTIONARIES["words"] = ranks


_set_up_zxcvbn()
