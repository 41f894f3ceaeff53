from gnomon.alerting.rule_schedule import missed_slots, offset_ns, slot_ns

SECOND = 1_000_000_000


def test_groups_are_spread_over_their_interval() -> None:
    offsets = {offset_ns(f"group {number}", "rules.yml", 60_000) for number in range(100)}
    assert len(offsets) == 100
    assert min(offsets) < 10 * SECOND < 50 * SECOND < max(offsets) < 60 * SECOND


def test_a_group_keeps_its_offset() -> None:
    assert offset_ns("g", "rules.yml", 60_000) == offset_ns("g", "rules.yml", 60_000)
    assert offset_ns("g", "rules.yml", 60_000) != offset_ns("g", "other.yml", 60_000)


def test_slots_are_even() -> None:
    assert slot_ns(125 * SECOND, 60_000, 7 * SECOND) == 67 * SECOND
    assert slot_ns(127 * SECOND, 60_000, 7 * SECOND) == 127 * SECOND


def test_slots_that_passed_meanwhile_are_missed() -> None:
    assert missed_slots(67 * SECOND, 126 * SECOND, 60_000) == 0
    assert missed_slots(67 * SECOND, 250 * SECOND, 60_000) == 3
