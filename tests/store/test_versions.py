"""Whoever reads one version of a type is told of every other one, now and from the past."""

import pytest

from ingest.store import filling
from ingest.store.engine import Store
from ingest.store.routing import live_subscriptions
from ingest.store.schema import events
from tests.store.stage import a_draft, append, fill, subscribe, wanted, work_off

TYPES = [
    "tests.order.v1",
    "tests.order.v2",
    "tests.order.v3",
    "tests.order.v12",
    "tests.Order.v2",
    "tests.order.v2.v1",
    "tests.orderXv2",
    "tests_order.v3",
    "tests%.v2",
    "tests.other.v2",
]


@pytest.mark.parametrize(
    ("accepts", "told"),
    [
        (["tests.order.v1"], ["tests.order.v1", "tests.order.v2", "tests.order.v3", "tests.order.v12"]),
        (["tests.order.v2"], ["tests.order.v1", "tests.order.v2", "tests.order.v3", "tests.order.v12"]),
        (["tests.order.v2", "tests.order.v3"], [f"tests.order.v{major}" for major in (1, 2, 3, 12)]),
        (["tests_order.v1"], ["tests_order.v3"]),
        (["tests%.v1"], ["tests%.v2"]),
        (["tests.orderXv2"], ["tests.orderXv2"]),
    ],
)
@pytest.mark.parametrize("is_late", [False, True], ids=["at once", "from the past"])
def test_whoever_reads_one_version_is_told_of_every_other_one(
    store: Store, accepts: list[str], told: list[str], is_late: bool
) -> None:
    if is_late:
        append(store, *(a_draft(type_, type_=type_) for type_ in TYPES))
    generation = subscribe(store, wanted(accepts=accepts))
    fill(store)
    if not is_late:
        append(store, *(a_draft(type_, type_=type_) for type_ in TYPES))

    assert work_off(store, generation) == told


def test_the_past_is_chosen_as_the_present_is(store: Store) -> None:
    append(store, *(a_draft(type_, type_=type_) for type_ in TYPES))
    subscribe(store, wanted(accepts=["tests.order.v1"]))

    with store.read() as tx:
        (subscription,) = live_subscriptions(tx)
        chosen = [row.type for row in tx.execute(filling.concerned(subscription).order_by(events.c.position))]

    assert chosen == [type_ for type_ in TYPES if type_ in {f"tests.order.v{n}" for n in (1, 2, 3, 12)}]
