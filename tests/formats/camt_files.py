"""Writes camt messages, element by element, as tests need them."""

from __future__ import annotations

from typing import Any

HEADER = "<GrpHdr><MsgId>M-1</MsgId><CreDtTm>2026-03-02T06:00:00+01:00</CreDtTm></GrpHdr>"
ACCOUNT = (
    "<Acct><Id><IBAN>DE02120300000000202051</IBAN></Id><Ccy>EUR</Ccy>"
    "<Svcr><FinInstnId><BICFI>BYLADEM1001</BICFI></FinInstnId></Svcr></Acct>"
)
_MESSAGES = {
    "Stmt": ("BkToCstmrStmt", "camt.053"),
    "Rpt": ("BkToCstmrAcctRpt", "camt.052"),
    "Ntfctn": ("BkToCstmrDbtCdtNtfctn", "camt.054"),
}


def amount(value: str, currency: str = "EUR") -> str:
    return f'<Amt Ccy="{currency}">{value}</Amt>'


def balance(code: str, value: str, *, is_credit: bool = True, currency: str = "EUR") -> str:
    side = "CRDT" if is_credit else "DBIT"
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{amount(value, currency)}"
        f"<CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>2026-03-01</Dt></Dt></Bal>"
    )


def entry(
    value: str = "10.00", *, side: str = "CRDT", status: str = "BOOK", more: str = "", **parts: str
) -> str:
    """An entry; `more` stands after its code, `parts` replace elements by their names."""
    elements = {
        "Amt": amount(value),
        "CdtDbtInd": f"<CdtDbtInd>{side}</CdtDbtInd>",
        "RvslInd": "",
        "Sts": f"<Sts>{status}</Sts>",
        "BookgDt": "<BookgDt><Dt>2026-03-01</Dt></BookgDt>",
        "ValDt": "<ValDt><Dt>2026-03-02</Dt></ValDt>",
        "AcctSvcrRef": "",
        "BkTxCd": "<BkTxCd><Prtry><Cd>166</Cd></Prtry></BkTxCd>",
        **parts,
    }
    return f"<Ntry>{''.join(elements.values())}{more}</Ntry>"


def statement(*inside: str, name: str = "Stmt", account: str = ACCOUNT, number: str = "S-1") -> str:
    return (
        f"<{name}><Id>{number}</Id><ElctrncSeqNb>41</ElctrncSeqNb>"
        f"<CreDtTm>2026-03-02T06:00:00+01:00</CreDtTm>{account}{''.join(inside)}</{name}>"
    )


def message(*statements: str, name: str = "Stmt", version: str = "001.08", header: str = HEADER) -> bytes:
    element, number = _MESSAGES[name]
    space = f"urn:iso:std:iso:20022:tech:xsd:{number}.{version}"
    text = f'<Document xmlns="{space}"><{element}>{header}{"".join(statements)}</{element}></Document>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def message_of(*inside: str, **options: Any) -> bytes:
    """A message with one statement that has `inside`."""
    return message(statement(*inside, name=options.get("name", "Stmt")), **options)
