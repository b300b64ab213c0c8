"""Numbers that tell by their check digits what they are. The rules are short; the library for them is under the LGPL."""

from __future__ import annotations

_CHINESE_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHINESE_CHECKS = "10X98765432"


def luhn(digits: str) -> bool:
    """Return whether `digits` end in the check digit of ISO/IEC 7812-1 that payment cards have.

    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    doubled = "0246813579"
    return sum(int(doubled[int(d)] if place % 2 else d) for place, d in enumerate(reversed(digits))) % 10 == 0


def iban(text: str) -> bool:
    """Return whether `text`, upper case without blanks, is an account number by ISO 13616 (remainder 1 of 97).

    >>> iban("GB82WEST12345698765432"), iban("GB82WEST12345698765431")
    (True, False)
    """
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1


def chinese_identity(text: str) -> bool:
    """Return whether `text` (17 digits and a digit or X) is an identity number by GB 11643-1999 (ISO 7064, MOD 11-2).

    >>> chinese_identity("11010519491231002X"), chinese_identity("110105194912310021")
    (True, False)
    """
    total = sum(weight * int(digit) for weight, digit in zip(_CHINESE_WEIGHTS, text, strict=False))
    return _CHINESE_CHECKS[total % 11] == text[-1].upper()
