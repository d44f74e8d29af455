"""Words in a source: a quick look at whether something could be spoken of there."""

from __future__ import annotations

_BREAKS = bytes(32 if byte < 128 and not (chr(byte).isalnum() or byte == 95) else byte for byte in range(256))


def words_of(source: bytes) -> frozenset[bytes]:
    """All that looks like a name in a source, be it in a comment or in a string."""
    return frozenset(source.translate(_BREAKS).split())


def has_word(source: bytes, word: bytes) -> bool:
    """Whether a word is among these."""
    at = source.find(word)
    while at >= 0:
        end = at + len(word)
        if not (_goes_on(source[at - 1 : at]) or _goes_on(source[end : end + 1])):
            return True
        at = source.find(word, at + 1)
    return False


def _goes_on(byte: bytes) -> bool:
    return byte.isalnum() or byte == b"_" or byte >= b"\x80"
