"""Countries and the continents that Route 53 counts them to, written down independently of ``regions``.

GeoNames' assignment (https://www.geonames.org/countries/). Route 53 has no address of the four at the end.
"""

from __future__ import annotations

_TEXT = """
EU: AL AD AT BY BE BA BG HR CY CZ DK EE FO FI FR DE GI GR GG HU IS IE IM IT JE XK LV LI LT LU MT MD MC ME NL MK NO PL PT
EU: RO RU SM RS SK SI ES SJ SE CH UA GB VA AX
AS: AF AM AZ BH BD BT BN KH CN CC CX GE HK IN ID IR IQ IL IO JP JO KZ KW KG LA LB MO MY MV MN MM NP KP OM PK PS PH QA SA
AS: SG KR LK SY TW TJ TH TR TM AE UZ VN YE
AF: DZ AO BJ BW BF BI CM CV CF TD KM CG CD CI DJ EG GQ ER SZ ET GA GM GH GN GW KE LS LR LY MG MW ML MR MU YT MA MZ NA NE
AF: NG RE RW SH ST SN SC SL SO ZA SS SD TZ TG TN UG EH ZM ZW
NA: AI AG AW BS BB BZ BM BQ VG CA KY CR CU CW DM DO SV GL GD GP GT HT HN JM MQ MX MS NI PA PR BL KN LC MF PM VC SX TT TC
NA: US VI
SA: AR BO BR CL CO EC FK GF GY PY PE SR UY VE
OC: AS AU CK TL FJ PF GU KI MH FM NR NC NZ NU NF MP PW PG PN WS SB TK TO TV UM VU WF
AN: AQ BV TF HM GS
"""

CONTINENT = {
    country: line[:2] for line in _TEXT.strip().splitlines() for country in line[3:].split() if country != "XK"
}
"""Continent of each country; XK (Kosovo) is no code of ISO 3166-1."""

WITHOUT_ADDRESSES = ("BV", "CX", "EH", "HM")
"""Places for which Route 53 accepts no geolocation record
(https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-values-geo.html)."""
