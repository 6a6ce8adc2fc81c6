from edge_agent.outbox import Outbox
from edge_agent.spool import Row


def row(number: int, size: int = 10) -> Row:
    return Row(number, "aaaa", number, 1, False, bytes(size))


def send(outbox: Outbox, last: int, now_s: float = 0.0) -> list[int]:
    """Everything that the outbox wants now, taken by the broker at once."""
    sent = []
    while (span := outbox.wanted(last)) is not None:
        rows = [row(number) for number in range(span.after + 1, span.upto + 1)][: span.limit]
        outbox.fetched(span, rows, now_s)
        for one in rows:
            outbox.taken((one.boot, one.seq))
        sent += [one.id for one in rows]
    return sent


def test_live_rows_go_before_the_backlog_and_the_backlog_oldest_first():
    outbox = Outbox(5)
    outbox.connected(5)
    assert send(outbox, 7) == [6, 7, 1, 2, 3, 4, 5]


def test_only_a_receipt_takes_a_row_off_the_list():
    outbox = Outbox(0)
    send(outbox, 3)
    assert outbox.unreceipted == 3
    assert outbox.receipted("aaaa", [(1, 2)]) == [1, 2]
    assert outbox.receipted("aaaa", [(1, 2)]) == []
    assert outbox.receipted("bbbb", [(3, 3)]) == []
    assert outbox.unreceipted == 1


def test_a_row_without_a_receipt_is_sent_again_when_its_time_has_come():
    outbox = Outbox(0, receipt_timeout_s=30)
    send(outbox, 2, now_s=0)
    assert outbox.again(29) == []
    assert [number for _, number in outbox.again(31)] == [1, 2]
    assert outbox.resent == 2


def test_a_lost_connection_makes_what_was_flying_due_at_once():
    outbox = Outbox(0, receipt_timeout_s=30)
    span = outbox.wanted(1)
    assert span is not None
    outbox.fetched(span, [row(1)], 0)
    outbox.connected(1)
    assert [number for _, number in outbox.again(1)] == [1]


def test_a_county_that_is_down_is_not_shouted_at():
    outbox = Outbox(0, window_rows=8)
    assert len(send(outbox, 1000)) <= 8
    outbox.receipted("aaaa", [(1, 1000)])
    assert send(outbox, 1000)


def test_a_huge_range_in_a_receipt_costs_nothing():
    outbox = Outbox(0)
    send(outbox, 3)
    assert sorted(outbox.receipted("aaaa", [(1, 2**53)])) == [1, 2, 3]
