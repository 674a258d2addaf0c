"""Both firewalls' rates follow from one crowd, and let it through."""

from __future__ import annotations

from regions import crowds, rates
from regions.loads import HEADLINE


def test_a_crowd_behind_one_address_watches_and_calls_the_api_undisturbed() -> None:
    crowd = rates.BEHIND_ADDRESS.value
    assert crowds.media_requests(60) > crowd * 60 / 6
    assert crowds.api_requests(300) > crowd * (HEADLINE.sessions / HEADLINE.viewers) * 300 * 0.2
    assert crowds.media_requests(60) == 60_000
    assert crowds.api_requests(300) == 18_000


def test_twice_the_api_load_is_twice_the_rate_and_the_media_rate_stays() -> None:
    assert crowds.api_requests(300, HEADLINE.times(2)) == crowds.api_requests(300)
    busier = type(HEADLINE)(api_rps=HEADLINE.api_rps * 2, beacon_rps=HEADLINE.beacon_rps * 2)
    assert crowds.api_requests(300, busier) == 2 * crowds.api_requests(300)
