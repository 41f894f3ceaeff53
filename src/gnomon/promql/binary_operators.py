"""Binary operators: what they do to two floats or histograms, and how the rows of two vectors find each other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from gnomon.model.labels import Labels
from gnomon.model.series import Floats, Integers, Mask, Objects
from gnomon.promql.annotations import Annotations
from gnomon.promql.errors import ExecutionError
from gnomon.promql.functions.histogram_operators import operate
from gnomon.promql.label_sets import LabelRules
from gnomon.promql.merging import drop_names, merge_same_labels
from gnomon.promql.quoting import format_labels
from gnomon.promql.syntax_tree import Binary, Cardinality, Matching
from gnomon.promql.values import Scalar, Vector, holds_histogram

_ARITHMETIC: Mapping[str, Callable[[Floats, Floats], Floats]] = MappingProxyType(
    {
        "+": np.add,
        "-": np.subtract,
        "*": np.multiply,
        "/": np.divide,
        "%": np.fmod,
        "^": np.power,
        "atan2": np.arctan2,
    }
)
_COMPARISONS: Mapping[str, Callable[[Floats, Floats], Mask]] = MappingProxyType(
    {
        "==": np.equal,
        "!=": np.not_equal,
        ">": np.greater,
        "<": np.less,
        ">=": np.greater_equal,
        "<=": np.less_equal,
    }
)


@dataclass(frozen=True, slots=True)
class Operands:
    """Cells side by side: floats, or histograms where there are any, and where both sides are present."""

    left: Floats
    right: Floats
    left_histograms: Objects | None
    right_histograms: Objects | None
    present: Mask


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an operation yields: `kept` tells which cells a comparison lets through, `sound` where it made sense."""

    values: Floats
    kept: Mask
    sound: Mask
    histograms: Objects | None


def between_scalars(operation: Binary, left: Scalar, right: Scalar) -> Scalar:
    """Return the result of an operation between two scalars; comparisons yield 0 and 1."""
    with np.errstate(all="ignore"):
        if operation.operator in _COMPARISONS:
            return Scalar(_COMPARISONS[operation.operator](left.values, right.values).astype(np.float64))
        return Scalar(_ARITHMETIC[operation.operator](left.values, right.values))


def with_scalar(
    operation: Binary,
    left: Vector | Scalar,
    right: Vector | Scalar,
    rules: LabelRules,
    remarks: Annotations,
    *,
    delayed: bool,
) -> Vector:
    """Return the result of an operation between a vector and a scalar, on whichever side."""
    vector = left if isinstance(left, Vector) else right
    assert isinstance(vector, Vector)  # noqa: S101  # one side is a vector
    one = left.values if isinstance(left, Vector) else np.broadcast_to(left.values, vector.values.shape)
    two = right.values if isinstance(right, Vector) else np.broadcast_to(right.values, vector.values.shape)
    operands = Operands(
        one,
        two,
        left.histograms if isinstance(left, Vector) else None,
        right.histograms if isinstance(right, Vector) else None,
        vector.present,
    )
    outcome = _apply(operation, operands, remarks)
    values, histograms, present = outcome.values, outcome.histograms, outcome.kept
    comparison = operation.operator in _COMPARISONS
    if operation.bool_modifier:
        # A comparison that says nothing of a histogram says no.
        present = outcome.sound
        values, histograms = np.where(outcome.kept, 1.0, 0.0), None
    elif comparison:
        values, histograms = vector.values, vector.histograms
    result = replace(vector, values=values, present=present, histograms=histograms)
    if operation.operator not in _ARITHMETIC and not operation.bool_modifier:
        return result
    return merge_same_labels(drop_names(result, rules, delayed=delayed), delayed=delayed)


def between_vectors(
    operation: Binary, left: Vector, right: Vector, rules: LabelRules, remarks: Annotations, *, delayed: bool
) -> Vector:
    """Return the result of an operation between two vectors; raises ExecutionError when the matching is ambiguous."""
    matching = operation.matching or Matching()
    if operation.operator in _SET_OPERATORS:
        return _SET_OPERATORS[operation.operator](left, right, matching, rules)
    return _Match(operation, matching, left, right, rules, remarks, delayed=delayed).result()


class _Match:
    """One vector operation: the "one" side has at most one row present for each match group at a step."""

    def __init__(
        self,
        operation: Binary,
        matching: Matching,
        left: Vector,
        right: Vector,
        rules: LabelRules,
        remarks: Annotations,
        *,
        delayed: bool,
    ) -> None:
        self._operation = operation
        self._matching = matching
        self._rules = rules
        self._remarks = remarks
        self._delayed = delayed
        self._swapped = matching.cardinality is Cardinality.ONE_TO_MANY
        self._many, self._one = (right, left) if self._swapped else (left, right)
        # As in Prometheus, `fill_left` stands for the "many" side, even where that is the right one.
        self._fill_many, self._fill_one = matching.fill_left, matching.fill_right
        self._many_codes, self._one_codes, self._group_labels = match_groups(self._many, self._one, matching, rules)

    def result(self) -> Vector:
        many, one = self._many, self._one
        filling = self._fill_many is not None or self._fill_one is not None
        steps = many.steps
        if not filling and (not len(many) or not len(one)):
            return Vector.empty(steps)
        busy = np.ones(steps, dtype=np.bool_)
        if not filling:
            busy = np.asarray(many.present.any(axis=0) & one.present.any(axis=0))
        self._forbid_duplicates(busy)
        many_rows, one_rows = _pair_rows(self._many_codes, self._one_codes)
        parts = [self._combine(many_rows, one_rows)]
        if self._fill_one is not None:
            parts.append(self._fill_in(many, one, self._many_codes, self._one_codes, self._fill_one, for_one=True))
        if self._fill_many is not None:
            parts.append(self._fill_in(one, many, self._one_codes, self._many_codes, self._fill_many, for_one=False))
        return self._assemble(parts)

    def _forbid_duplicates(self, busy: Mask) -> None:
        """Refuse several rows of the "one" side in a group at the same step."""
        for rows in _shared_rows(self._one_codes):
            crowded = (self._one.present[rows].sum(axis=0) > 1) & busy
            if crowded.any():
                step = int(np.flatnonzero(crowded)[0])
                first, second = rows[self._one.present[rows, step]][:2]
                names = sorted((self._one.labels[first], self._one.labels[second]))
                side = "left" if self._swapped else "right"
                group = format_labels(self._group_labels[self._one_codes[first]])
                raise ExecutionError(
                    f"found duplicate series for the match group {group} on the {side} hand-side of the operation: "
                    f"[{format_labels(names[0])}, {format_labels(names[1])}];many-to-many matching not allowed: "
                    "matching labels must be unique on one side"
                )

    def _combine(self, many_rows: Integers, one_rows: Integers) -> tuple[Vector, Integers, Mask]:
        many, one = _rows(self._many, many_rows), _rows(self._one, one_rows)
        labels = self._result_labels(many.labels, one.labels)
        vector, sound = self._operate(many, one, labels, many.present & one.present)
        return vector, self._many_codes[many_rows], sound

    def _fill_in(
        self, have: Vector, lack: Vector, have_codes: Integers, lack_codes: Integers, fill: float, *, for_one: bool
    ) -> tuple[Vector, Integers, Mask]:
        """Operate with a number where the other side has nothing of the group."""
        groups = len(self._group_labels)
        there = _present_by_group(lack, lack_codes, groups)
        present = have.present & ~there[have_codes]
        filler = np.full(have.values.shape, fill)
        nobody = tuple(self._group_labels[code] for code in have_codes)
        other = Vector(nobody, filler, present)
        many, one = (have, other) if for_one else (other, have)
        labels = self._result_labels(many.labels, one.labels)
        vector, sound = self._operate(many, one, labels, present)
        return vector, have_codes, sound

    def _operate(self, many: Vector, one: Vector, labels: tuple[Labels, ...], present: Mask) -> tuple[Vector, Mask]:
        """Return the results, and where there are any, whether or not a comparison let them through."""
        left, right = (one, many) if self._swapped else (many, one)
        operands = Operands(left.values, right.values, left.histograms, right.histograms, present)
        outcome = _apply(self._operation, operands, self._remarks)
        values, kept, histograms = outcome.values, outcome.kept, outcome.histograms
        if self._operation.bool_modifier:
            kept = outcome.sound
            values, histograms = np.where(outcome.kept, 1.0, 0.0), None
        dropped = np.full(len(labels), self._operation.bool_modifier) if self._delayed else None
        return Vector(labels, values, kept, histograms, dropped), outcome.sound

    def _assemble(self, parts: list[tuple[Vector, Integers, Mask]]) -> Vector:
        vectors = [part[0] for part in parts]
        whole = vectors[0] if len(vectors) == 1 else concatenate(vectors)
        codes = parts[0][1] if len(parts) == 1 else np.concatenate([part[1] for part in parts])
        if len(set(whole.labels)) == len(whole.labels) and self._matching.cardinality is not Cardinality.ONE_TO_ONE:
            return whole
        matched = parts[0][2] if len(parts) == 1 else np.concatenate([part[2] for part in parts])
        if self._matching.cardinality is Cardinality.ONE_TO_ONE:
            for rows in _shared_rows(codes):
                if (matched[rows].sum(axis=0) > 1).any():
                    raise ExecutionError(
                        "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
                    )
        else:
            self._forbid_same_result(whole, codes, matched)
        return merge_same_labels(whole, delayed=False)

    @staticmethod
    def _forbid_same_result(whole: Vector, codes: Integers, matched: Mask) -> None:
        numbers: dict[tuple[int, Labels], int] = {}
        keys = [
            numbers.setdefault((int(code), one), len(numbers)) for code, one in zip(codes, whole.labels, strict=True)
        ]
        for rows in _shared_rows(np.array(keys, dtype=np.int64)):
            if (matched[rows].sum(axis=0) > 1).any():
                raise ExecutionError("multiple matches for labels: grouping labels must ensure unique matches")

    def _result_labels(self, many: tuple[Labels, ...], one: tuple[Labels, ...]) -> tuple[Labels, ...]:
        matching = self._matching
        changes = self._operation.operator in _ARITHMETIC or (self._operation.bool_modifier and not self._delayed)
        if matching.cardinality is Cardinality.ONE_TO_ONE:
            many = self._rules.restrict(many, matching.labels, on=matching.on)
        if changes:
            many = self._rules.without_name(many)
        if not matching.include:
            return many
        return tuple(
            own.replace({name: other.get(name) for name in matching.include})
            for own, other in zip(many, one, strict=True)
        )


def match_groups(
    left: Vector, right: Vector, matching: Matching, rules: LabelRules
) -> tuple[Integers, Integers, tuple[Labels, ...]]:
    """Return each side's rows' groups, by which they find each other, and the groups' labels."""
    one = rules.match(left.labels, matching.labels, on=matching.on)
    two = rules.match(right.labels, matching.labels, on=matching.on)
    numbers = {labels: number for number, labels in enumerate(one.labels)}
    translated = np.fromiter(
        (numbers.setdefault(labels, len(numbers)) for labels in two.labels), dtype=np.int64, count=len(two.labels)
    )
    codes = translated[two.codes] if len(two.labels) else np.empty(0, dtype=np.int64)
    return one.codes, codes, tuple(numbers)


def _pair_rows(many_codes: Integers, one_codes: Integers) -> tuple[Integers, Integers]:
    """Return every pair of rows of the same group, in the order of the first side."""
    order = np.argsort(one_codes, kind="stable")
    ordered = one_codes[order]
    first = np.searchsorted(ordered, many_codes, side="left")
    counts = np.searchsorted(ordered, many_codes, side="right") - first
    many_rows = np.repeat(np.arange(len(many_codes)), counts)
    within = np.arange(len(many_rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return many_rows, order[np.repeat(first, counts) + within]


def _shared_rows(codes: Integers) -> list[Integers]:
    """Return, for each code that several rows have, these rows."""
    if len(codes) < 2:  # noqa: PLR2004  # sharing takes two
        return []
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    changes = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    if len(changes) == len(codes) - 1:
        return []
    return [rows for rows in np.split(order, changes) if len(rows) > 1]


def _rows(vector: Vector, rows: Integers) -> Vector:
    whole = len(rows) == len(vector) and bool((rows == np.arange(len(rows))).all())
    return vector if whole else vector.take(rows)


def concatenate(vectors: list[Vector]) -> Vector:
    """Return all rows of several vectors on the same steps."""
    histograms: Objects | None = None
    if any(vector.histograms is not None for vector in vectors):
        histograms = np.concatenate(
            [
                np.full(vector.values.shape, None, dtype=object) if vector.histograms is None else vector.histograms
                for vector in vectors
            ]
        )
    dropped: Mask | None = None
    if any(vector.name_dropped is not None for vector in vectors):
        dropped = np.concatenate(
            [
                np.zeros(len(vector), dtype=np.bool_) if vector.name_dropped is None else vector.name_dropped
                for vector in vectors
            ]
        )
    return Vector(
        tuple(label for vector in vectors for label in vector.labels),
        np.concatenate([vector.values for vector in vectors]),
        np.concatenate([vector.present for vector in vectors]),
        histograms,
        dropped,
    )


def _present_by_group(vector: Vector, codes: Integers, groups: int) -> Mask:
    present = np.zeros((groups, vector.steps), dtype=np.bool_)
    if len(np.unique(codes)) == len(codes):
        present[codes] = vector.present
    else:
        np.logical_or.at(present, codes, vector.present)
    return present


def _and(left: Vector, right: Vector, matching: Matching, rules: LabelRules) -> Vector:
    left_codes, right_codes, groups = match_groups(left, right, matching, rules)
    return replace(left, present=left.present & _present_by_group(right, right_codes, len(groups))[left_codes])


def _unless(left: Vector, right: Vector, matching: Matching, rules: LabelRules) -> Vector:
    left_codes, right_codes, groups = match_groups(left, right, matching, rules)
    return replace(left, present=left.present & ~_present_by_group(right, right_codes, len(groups))[left_codes])


def _or(left: Vector, right: Vector, matching: Matching, rules: LabelRules) -> Vector:
    left_codes, right_codes, groups = match_groups(left, right, matching, rules)
    there = _present_by_group(left, left_codes, len(groups))
    added = replace(right, present=right.present & ~there[right_codes])
    return merge_same_labels(concatenate([left, added]).without_empty_rows(), delayed=False)


_SET_OPERATORS: Mapping[str, Callable[[Vector, Vector, Matching, LabelRules], Vector]] = MappingProxyType(
    {"and": _and, "or": _or, "unless": _unless}
)


def _apply(operation: Binary, operands: Operands, remarks: Annotations) -> Outcome:
    """Operate on all cells, floats at once and histograms one by one."""
    operator = operation.operator
    left, right, present = operands.left, operands.right, operands.present
    with np.errstate(all="ignore"):
        if operator in _COMPARISONS:
            values, kept = left, present & _COMPARISONS[operator](left, right)
        elif operator in _ARITHMETIC:
            values, kept = _ARITHMETIC[operator](left, right), present
        else:
            values, kept = left, np.zeros(present.shape, dtype=np.bool_)
    if (
        operands.left_histograms is None
        and operands.right_histograms is None
        and operator in {*_ARITHMETIC, *_COMPARISONS}
    ):
        return Outcome(values, kept, present, None)
    return _with_histograms(operation, operands, Outcome(values, kept, present, None), remarks)


def _with_histograms(operation: Binary, operands: Operands, floats: Outcome, remarks: Annotations) -> Outcome:
    shape = operands.present.shape
    nothing: Objects = np.full(shape, None, dtype=object)
    lefts = nothing if operands.left_histograms is None else operands.left_histograms
    rights = nothing if operands.right_histograms is None else operands.right_histograms
    either = operands.present
    if operation.operator in {*_ARITHMETIC, *_COMPARISONS}:
        either = either & (holds_histogram(lefts) | holds_histogram(rights))
    values, kept, sound = floats.values.copy(), floats.kept.copy(), floats.sound.copy()
    results: Objects = np.full(shape, None, dtype=object)
    for row, column in zip(*np.nonzero(either), strict=True):
        one = lefts[row, column]
        two = rights[row, column]
        outcome = operate(
            operation.operator,
            float(operands.left[row, column]) if one is None else one,
            float(operands.right[row, column]) if two is None else two,
            operation.span,
            remarks,
        )
        kept[row, column] = outcome.kept
        sound[row, column] = outcome.kept or outcome.value is not None
        if isinstance(outcome.value, float):
            values[row, column] = outcome.value
        else:
            results[row, column] = outcome.value
    return Outcome(values, kept, sound, results)
