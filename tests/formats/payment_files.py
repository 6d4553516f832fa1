"""Writes payment messages, element by element, as tests need them."""

from __future__ import annotations

SPACE = "urn:iso:std:iso:20022:tech:xsd:"
OUR_ACCOUNT = "DE02120300000000202051"


def header(count: str | int = 1, total: str = "", more: str = "") -> str:
    control = f"<CtrlSum>{total}</CtrlSum>" if total else ""
    return (
        "<GrpHdr><MsgId>M-1</MsgId><CreDtTm>2026-03-02T09:00:00</CreDtTm>"
        f"<NbOfTxs>{count}</NbOfTxs>{control}{more}</GrpHdr>"
    )


def account(side: str, number: str) -> str:
    return f"<{side}Acct><Id><IBAN>{number}</IBAN></Id></{side}Acct>"


def transfer(amount: str = "10.00", end_to_end: str = "E-1", currency: str = "EUR") -> str:
    return (
        f"<CdtTrfTxInf><PmtId><InstrId>I-1</InstrId><EndToEndId>{end_to_end}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="{currency}">{amount}</InstdAmt></Amt>'
        f"<Cdtr><Nm>Nordwind</Nm></Cdtr>{account('Cdtr', 'DE89')}"
        "<RmtInf><Ustrd>Invoice 7</Ustrd></RmtInf></CdtTrfTxInf>"
    )


def transfers(*orders: str, control: str = "", day: str = "<Dt>2026-03-03</Dt>") -> str:
    return (
        f"<PmtInf><PmtInfId>G-1</PmtInfId><PmtMtd>TRF</PmtMtd>{control}<ReqdExctnDt>{day}</ReqdExctnDt>"
        f"<Dbtr><Nm>Globex</Nm></Dbtr>{account('Dbtr', OUR_ACCOUNT)}{''.join(orders)}</PmtInf>"
    )


def collection(*amounts: str) -> str:
    orders = "".join(
        f"<DrctDbtTxInf><PmtId><EndToEndId>E-{number}</EndToEndId></PmtId>"
        f'<InstdAmt Ccy="EUR">{amount}</InstdAmt><Dbtr><Nm>Ann</Nm></Dbtr>'
        f"{account('Dbtr', 'DE89')}</DrctDbtTxInf>"
        for number, amount in enumerate(amounts, start=1)
    )
    return (
        "<PmtInf><PmtInfId>G-1</PmtInfId><PmtMtd>DD</PmtMtd><ReqdColltnDt>2026-03-03</ReqdColltnDt>"
        f"<Cdtr><Nm>Globex</Nm></Cdtr>{account('Cdtr', OUR_ACCOUNT)}{orders}</PmtInf>"
    )


def message(element: str, number: str, *inside: str) -> bytes:
    text = f'<Document xmlns="{SPACE}{number}"><{element}>{"".join(inside)}</{element}></Document>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def pain001(*inside: str) -> bytes:
    return message("CstmrCdtTrfInitn", "pain.001.001.09", *inside)


def pain008(*inside: str) -> bytes:
    return message("CstmrDrctDbtInitn", "pain.008.001.08", *inside)


def pacs008(*inside: str) -> bytes:
    return message("FIToFICstmrCdtTrf", "pacs.008.001.08", *inside)


def pain002(*inside: str) -> bytes:
    made = "<GrpHdr><MsgId>R-1</MsgId><CreDtTm>2026-03-04T09:00:00Z</CreDtTm></GrpHdr>"
    return message("CstmrPmtStsRpt", "pain.002.001.10", made, *inside)


def original(status: str = "", reason: str = "") -> str:
    return (
        "<OrgnlGrpInfAndSts><OrgnlMsgId>M-1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
        f"{f'<GrpSts>{status}</GrpSts>' if status else ''}{because(reason)}</OrgnlGrpInfAndSts>"
    )


def group_status(*orders: str, status: str = "", reason: str = "") -> str:
    said = f"<PmtInfSts>{status}</PmtInfSts>" if status else ""
    return (
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>G-1</OrgnlPmtInfId>{said}{because(reason)}"
        f"{''.join(orders)}</OrgnlPmtInfAndSts>"
    )


def order_status(status: str, reason: str = "", end_to_end: str = "E-1", more: str = "") -> str:
    return (
        f"<TxInfAndSts><OrgnlInstrId>I-1</OrgnlInstrId><OrgnlEndToEndId>{end_to_end}</OrgnlEndToEndId>"
        f"<TxSts>{status}</TxSts>{because(reason)}{more}</TxInfAndSts>"
    )


def because(reason: str) -> str:
    if not reason:
        return ""
    return f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn><AddtlInf>closed</AddtlInf></StsRsnInf>"
