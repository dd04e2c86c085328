"""E-mail addresses and names, in the one form in which they are compared."""

import unicodedata

from django.core.exceptions import ValidationError

LONGEST = 254  # RFC 5321, 4.5.3.1.3
ODD_ADDRESS = "Write the address in plain letters (an international domain as xn--…), at most 254 characters."
ODD_NAME = "The name holds a character that cannot be seen or turns the text around. Remove it."


def validate_address(address: str) -> None:
    """Raise ValidationError unless the address is plain ASCII.

    Unicode has many spellings of one letter: an address that looks or normalises like another's could
    prove one mailbox and open the other's account.
    """
    if is_odd(address):
        raise ValidationError(ODD_ADDRESS)


def is_odd(address: str) -> bool:
    """Whether an address is refused as one that is not plain."""
    return not address.isascii() or not address.isprintable() or len(address) > LONGEST


def validate_name(name: str) -> None:
    """Raise ValidationError where a name holds controls: line breaks, bidirectional marks, invisible letters."""
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") for letter in name):
        raise ValidationError(ODD_NAME)
