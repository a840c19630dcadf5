"""Text that both engines can hold."""

from ..errors import InvalidInput


def require_text(name: str, text: str) -> str:
    """The text, if it is one."""
    if not isinstance(text, str):
        raise InvalidInput(f"{name}: text is needed, not {type(text).__name__}")
    return text


def check_text(text: str) -> str:
    """The text, if both engines can hold it: no NUL, no lone surrogate."""
    if "\0" in text:
        raise InvalidInput("text with a NUL character: PostgreSQL cannot hold it; remove it")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InvalidInput(
                "text with a lone surrogate is not valid Unicode: decode it properly"
            ) from None
    return text


def storable(text: str) -> str:
    """The text with what no database holds, NUL and lone surrogates, as escapes."""
    if not text.isascii():
        text = text.encode(errors="backslashreplace").decode()
    return text.replace("\0", "\\x00")
