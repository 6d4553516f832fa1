"""Tells people what happened, by mail or in a chat, through apprise (the extra `notify`).

Addresses hold passwords, so they are taken from the environment at the moment
of the call: options, tables and messages name the variable only. A receiver
knows no keys: a message may come twice, and its last line tells which it is.
https://github.com/caronc/apprise/wiki
"""

from __future__ import annotations

import html
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from ingest import Context, PermanentError, call, envelope, processor
from processors.facts import (
    InvoicePaid,
    InvoicePartlyPaid,
    InvoiceReopened,
    PaymentReturned,
    PaymentReversed,
    PaymentUnmatched,
)

FORMATS = ("text", "markdown", "html")
MOST_TARGETS = 20
MAX_VALUE = 500  # characters of one field
MAX_TITLE = 200
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_FIELD = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~])")
_CALLING = re.compile(r"([@<])")  # "@all", "<!channel>": they would wake everybody in a chat
_NO_WIDTH = "\u200b"


class NotTold(Exception):
    """The message was not taken; it may be later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Who is told, and how."""

    to: tuple[str, ...]  # environment variables, each with an address of apprise
    title: str  # a template
    body: str  # a template; empty: every field of the fact on a line
    format: str


def plan(options: Mapping[str, Any]) -> Plan:
    """What the options say; raises `ValueError` where they cannot be followed, or apprise is not there."""
    if unknown := sorted(options.keys() - {"to", "title", "body", "format"}):
        msg = f"{unknown[0]!r} is not known: it takes to, title, body and format"
        raise ValueError(msg)
    to = options.get("to")
    if not isinstance(to, list) or not 0 < len(to) <= MOST_TARGETS or not all(map(_is_variable, to)):
        msg = 'to names environment variables that hold addresses of apprise: write to = ["ANNOUNCE_MAIL"]'
        raise ValueError(msg)
    title, body = options.get("title", "{type}"), options.get("body", "")
    form = options.get("format", FORMATS[0])
    if not isinstance(title, str) or not isinstance(body, str) or form not in FORMATS:
        msg = f"title and body are texts, format is one of {', '.join(FORMATS)}"
        raise ValueError(msg)
    if find_spec("apprise") is None:
        msg = "apprise is not installed: pip install 'ingest[notify]'"
        raise ValueError(msg)
    return Plan(to=tuple(dict.fromkeys(to)), title=title, body=body, format=form)


@call(repeatable=True)
def tell(request: Any, *, key: str, options: Mapping[str, Any]) -> dict[str, str]:
    """Whoever the variable leads to was told."""
    variable = request["to"]
    if variable not in plan(options).to:
        raise PermanentError(f"{variable} is no longer among those to be told")
    address = os.environ.get(variable, "")
    if not address:
        raise PermanentError(
            f"the environment variable {variable} is not set",
            hint="set it for the workers, then `ingest dead retry`",
        )
    body = f"{request['body']}\n\n{key[:12]}"
    if not _tell(variable, address, title=request["title"], body=body, form=request["format"]):
        msg = f"the receiver that {variable} leads to did not take the message"
        raise NotTold(msg)
    return {"told": variable}


@processor(
    accepts=(
        InvoicePaid,
        InvoicePartlyPaid,
        InvoiceReopened,
        PaymentReturned,
        PaymentReversed,
        PaymentUnmatched,
    ),
    version="1",
    tables=[],
    check=plan,
)
def announce(_event: Any, ctx: Context) -> None:
    """Everybody who is to be told will be, once the fact is in effect."""
    planned = plan(ctx.options)
    fields = _fields(ctx)
    title = _filled(planned.title, fields, form="text")[:MAX_TITLE]
    body = _filled(planned.body or _every(fields), fields, form=planned.format)
    for variable in planned.to:
        request = {"to": variable, "title": title, "body": body, "format": planned.format}
        ctx.once(variable, tell, request)


def _fields(ctx: Context) -> dict[str, str]:
    """The fact's fields as text, and its type; lists and objects are left out."""
    told = envelope(ctx.event)
    fields = {"type": told["type"], "id": told["id"]}
    for name, value in told["data"].items():
        if value is None or isinstance(value, str | int):
            fields[name] = "" if value is None else str(value)
    return {name: " ".join(_printable(text[:MAX_VALUE]).split()) for name, text in fields.items()}


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)


def _every(fields: Mapping[str, str]) -> str:
    return "\n".join(f"{name}: {{{name}}}" for name in fields)


def _filled(template: str, fields: Mapping[str, str], *, form: str) -> str:
    """The template with each `{field}` replaced, escaped; what the fact does not have is empty."""
    return _FIELD.sub(lambda match: _escaped(fields.get(match[1], ""), form), template)


def _escaped(text: str, form: str) -> str:
    if form == "html":
        return html.escape(text)
    if form == "markdown":
        text = _MARKUP.sub(r"\\\1", text)
    return _CALLING.sub(rf"\1{_NO_WIDTH}", text)


def _is_variable(name: Any) -> bool:
    return isinstance(name, str) and _VARIABLE.fullmatch(name) is not None


def _tell(variable: str, address: str, *, title: str, body: str, form: str) -> bool:
    import apprise  # noqa: PLC0415  # takes long, and only who announces has it

    # What it logs may hold the address.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    asset = apprise.AppriseAsset(async_mode=False, secure_logging=True, plugin_paths=[])
    teller = apprise.Apprise(asset=asset)
    try:
        is_known = teller.add(address)
        is_taken = is_known and bool(teller.notify(title=title, body=body, body_format=form))
    except Exception as error:  # noqa: BLE001  # whatever a plugin raises, its text may hold the address
        msg = f"telling {variable} failed: {type(error).__name__}"
        raise NotTold(msg) from None
    if not is_known:
        raise PermanentError(
            f"what {variable} holds is no address that apprise knows",
            hint="correct it, then `ingest dead retry`",
        )
    return is_taken
