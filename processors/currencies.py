"""ISO 4217: which currencies exist and how many decimals each has.

The alphabetic codes of list one that have a minor unit, as amended to the end
of 2025, those withdrawn during 2025, since a payment may arrive late, and those
with two decimals that the euro replaced, since archives are taken in as well.
Codes without a minor unit (gold XAU, drawing rights XDR, tests XTS, "no
currency" XXX, …) are left out on purpose: no amount in them can be exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_WITHDRAWN_IN_2025 = "ANG BGN"  # replaced by XCG on 31 March, by EUR on 31 December
_BEFORE_THE_EURO = "ATS CYP DEM EEK FIM FRF HRK IEP LTL LVL MTL NLG SIT SKK"  # archives still hold them

_CODES_BY_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: f"""
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
        CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP
        GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT
        LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN
        NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB
        SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS
        UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
        {_WITHDRAWN_IN_2025} {_BEFORE_THE_EURO}
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

DECIMALS: Mapping[str, int] = MappingProxyType(
    {code: decimals for decimals, codes in _CODES_BY_DECIMALS.items() for code in codes.split()}
)
