"""Which settings of a document are secret, and a document without them: for everything that people read."""

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

import msgspec

# What nobody is shown. A setting of another type is marked with `SECRET`.
SECRET = msgspec.Meta(extra={"secret": True})
Secret = Annotated[str, SECRET]


@dataclass(frozen=True, slots=True)
class Hidden:
    """Stands for a secret: equal to another one only where both hide the same."""

    value: Any

    def __repr__(self) -> str:
        return "Hidden()"


def without_secrets(part: msgspec.Struct) -> Any:
    """Return a part of a document as plain data, with `Hidden` for each secret that is set."""
    return _hide(msgspec.to_builtins(part), part)


def _hide(plain: Any, part: Any) -> Any:
    if isinstance(part, msgspec.Struct):
        secret = secret_names(type(part))
        for name in part.__struct_fields__:
            # Defaults are left out.
            if name in plain:
                plain[name] = Hidden(plain[name]) if name in secret else _hide(plain[name], getattr(part, name))
    elif isinstance(part, list | tuple):
        return [_hide(each, inner) for each, inner in zip(plain, part, strict=True)]
    return plain


@cache
def secret_names(type_: type[msgspec.Struct]) -> frozenset[str]:
    """Return the secret settings of a type, not of those inside it."""
    info: Any = msgspec.inspect.type_info(type_)
    return frozenset(field.name for field in info.fields if _is_secret(field.type))


def _is_secret(info: Any) -> bool:
    return isinstance(info, msgspec.inspect.Metadata) and bool((info.extra or {}).get("secret"))
