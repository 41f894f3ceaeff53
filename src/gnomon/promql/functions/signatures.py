"""Every function of PromQL: what it takes and what it yields, by Prometheus' documentation of its functions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gnomon.promql.syntax_tree import ValueType


@dataclass(frozen=True, slots=True)
class Signature:
    """Describe a function; the last of `arguments` is repeated up to `maximum` (None: any number)."""

    name: str
    arguments: tuple[ValueType, ...]
    minimum: int
    maximum: int | None
    returns: ValueType
    experimental: bool = False

    def argument_type(self, position: int) -> ValueType:
        """Return the type that the argument at a position must have."""
        return self.arguments[min(position, len(self.arguments) - 1)]


# One function a line: result name(arguments). A question mark marks what may be left out; dots, what may be repeated.
_STABLE = """
vector abs(vector)
vector absent(vector)
vector absent_over_time(matrix)
vector acos(vector)
vector acosh(vector)
vector asin(vector)
vector asinh(vector)
vector atan(vector)
vector atanh(vector)
vector avg_over_time(matrix)
vector ceil(vector)
vector changes(matrix)
vector clamp(vector, scalar, scalar)
vector clamp_max(vector, scalar)
vector clamp_min(vector, scalar)
vector cos(vector)
vector cosh(vector)
vector count_over_time(matrix)
vector day_of_month(vector?)
vector day_of_week(vector?)
vector day_of_year(vector?)
vector days_in_month(vector?)
vector deg(vector)
vector delta(matrix)
vector deriv(matrix)
vector exp(vector)
vector floor(vector)
vector histogram_avg(vector)
vector histogram_count(vector)
vector histogram_fraction(scalar, scalar, vector)
vector histogram_quantile(scalar, vector)
vector histogram_stddev(vector)
vector histogram_stdvar(vector)
vector histogram_sum(vector)
vector hour(vector?)
vector idelta(matrix)
vector increase(matrix)
vector irate(matrix)
vector label_join(vector, string, string, string...)
vector label_replace(vector, string, string, string, string)
vector last_over_time(matrix)
vector ln(vector)
vector log10(vector)
vector log2(vector)
vector max_over_time(matrix)
vector min_over_time(matrix)
vector minute(vector?)
vector month(vector?)
scalar pi()
vector predict_linear(matrix, scalar)
vector present_over_time(matrix)
vector quantile_over_time(scalar, matrix)
vector rad(vector)
vector rate(matrix)
vector resets(matrix)
vector round(vector, scalar?)
scalar scalar(vector)
vector sgn(vector)
vector sin(vector)
vector sinh(vector)
vector sort(vector)
vector sort_desc(vector)
vector sqrt(vector)
vector stddev_over_time(matrix)
vector stdvar_over_time(matrix)
vector sum_over_time(matrix)
vector tan(vector)
vector tanh(vector)
scalar time()
vector timestamp(vector)
vector vector(scalar)
vector year(vector?)
"""

_EXPERIMENTAL = """
vector double_exponential_smoothing(matrix, scalar, scalar)
scalar end()
vector first_over_time(matrix)
vector histogram_quantiles(vector, string, scalar, scalar?????????)
vector info(vector, vector?)
vector mad_over_time(matrix)
scalar max_of(scalar, scalar)
scalar min_of(scalar, scalar)
scalar range()
vector sort_by_label(vector, string...)
vector sort_by_label_desc(vector, string...)
scalar start()
vector start_timestamp(vector)
scalar step()
vector ts_of_first_over_time(matrix)
vector ts_of_last_over_time(matrix)
vector ts_of_max_over_time(matrix)
vector ts_of_min_over_time(matrix)
"""

_LINE = re.compile(r"^(\w+) (\w+)\((.*)\)$", re.MULTILINE)
_ARGUMENT = re.compile(r"(\w+)(\?*)(\.{3})?")


def _read(text: str, *, experimental: bool) -> dict[str, Signature]:
    signatures = {}
    for returns, name, arguments in _LINE.findall(text):
        minimum = maximum = 0
        endless = False
        types = []
        for type_name, optional, repeated in _ARGUMENT.findall(arguments):
            types.append(ValueType(type_name))
            minimum += 0 if optional or repeated else 1
            maximum += max(1, len(optional))
            endless = endless or bool(repeated)
        signatures[name] = Signature(
            name, tuple(types), minimum, None if endless else maximum, ValueType(returns), experimental=experimental
        )
    return signatures


SIGNATURES: Mapping[str, Signature] = MappingProxyType(
    _read(_STABLE, experimental=False) | _read(_EXPERIMENTAL, experimental=True)
)
"""By name."""
