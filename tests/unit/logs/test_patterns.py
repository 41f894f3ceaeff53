"""Templates that differ in what varies become one."""

from gnomon.logs.patterns import merge_patterns, query_for
from gnomon.model.log_records import Level, LogPatterns, Pattern


def pattern(template: str, count: int = 1, *, level: Level = Level.INFO, trend: tuple[int, ...] = (1, 0)) -> Pattern:
    return Pattern(template, count, {level: count}, ["a"], trend, f"example of {template}", count, "")


def merge(*patterns: Pattern, limit: int = 100) -> list[tuple[str, int]]:
    found = LogPatterns(patterns, (0, 1), 1, sum(one.count for one in patterns), 0)
    return [(one.template, one.count) for one in merge_patterns(found, limit).patterns]


def test_a_word_that_varies_becomes_a_placeholder() -> None:
    names = ("ann", "bob", "carol", "dave")
    assert merge(*(pattern(f"user {name} logged in") for name in names)) == [("user <*> logged in", 4)]


def test_a_few_variants_are_told_apart() -> None:
    """Opened and closed are two events, not one with a variable."""
    states = [("connection opened by peer", 5), ("connection closed by peer", 3)]
    assert merge(*(pattern(template, count) for template, count in states)) == states


def test_two_words_may_vary() -> None:
    templates = [f"move {a} to {b} now" for a in "abcde" for b in "vwxyz"]
    assert merge(*map(pattern, templates)) == [("move <*> to <*> now", 25)]


def test_lines_of_nothing_but_variables_stay_apart() -> None:
    templates = [f"{word} done" for word in ("alpha", "beta", "gamma", "delta", "epsilon")]
    assert len(merge(*map(pattern, templates))) == 5


def test_kinds_of_placeholders_do_not_matter() -> None:
    assert merge(pattern("key <hex> set", 9), pattern("key <num> set", 1)) == [("key <hex> set", 10)]


def test_figures_add_up_and_the_newest_example_stays() -> None:
    parts = [pattern(f"user {name} logged in", count + 1, trend=(count, 1)) for count, name in enumerate("abcd")]
    parts.append(pattern("user e logged in", 9, level=Level.ERROR))
    merged = merge_patterns(LogPatterns(parts, (0, 1), 1, 19, 19), 10).patterns[0]
    assert merged.levels == {Level.INFO: 10, Level.ERROR: 9}
    assert list(merged.trend) == [7, 4]
    assert merged.example == "example of user e logged in"


def test_the_most_frequent_come_first_and_the_rest_is_cut() -> None:
    assert merge(pattern("a b c", 1), pattern("d e f", 3), pattern("g h i", 2), limit=2) == [("d e f", 3), ("g h i", 2)]


def test_a_query_holds_the_fixed_words() -> None:
    assert query_for("GET /orders/<num> took <num>ms for user <*>") == 'GET took "for user"'
    assert query_for("<num> <num>") == ""
    assert query_for('said "-x" -- and <str>') == r'"said \"-x\" -- and"'
