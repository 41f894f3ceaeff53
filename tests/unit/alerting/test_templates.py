import pytest

from gnomon.alerting.rule_results import Result
from gnomon.alerting.templates import check_template, template_expander
from gnomon.model.labels import Labels

RESULT = Result(Labels.of({"job": "api", "instance": "a.b.c:9090"}), 1234.5)


async def query(_: str, __: int) -> list[Result]:
    return [Result(Labels.of({"job": "z"}), 1.0), Result(Labels.of({"job": "a"}), 2.0)]


async def expand(text: str) -> str:
    return await template_expander(query, {"region": "eu"}, "http://prom.example/x")("Down", text, RESULT, 60_000)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain", "plain"),
        ("{{ $labels.job }} {{ .Labels.instance }} {{ $labels.none }}|", "api a.b.c:9090 |"),
        ("{{ $value }} {{ .Value | humanize }}", "1234.5 1.234k"),
        ("""{{ printf "%.1f|%5d|%-4s|%q" $value 7 "a" "b" }}""", '1234.5|    7|a   |"b"'),
        ("{{ if gt $value 1000.0 }}high{{ else if gt $value 10.0 }}some{{ else }}low{{ end }}", "high"),
        ("{{ if gt $value 2000.0 }}high{{ else if gt $value 10.0 }}some{{ else }}low{{ end }}", "some"),
        ("{{ if and $labels.job (not $labels.none) }}yes{{ end }}", "yes"),
        ('{{ or $labels.none "nobody" }}', "nobody"),
        ('{{ range query "up" }}{{ .Labels.job }}={{ .Value }};{{ end }}', "z=1;a=2;"),
        ('{{ range query "up" | sortByLabel "job" }}{{ label "job" . }}{{ end }}', "az"),
        ('{{ range $i, $e := query "up" }}{{ $i }}{{ $e.Value }} {{ end }}', "01 12 "),
        ('{{ with query "up" }}{{ . | first | value }}{{ end }}', "1"),
        ('{{ query "up" | first | label "job" }}', "z"),
        ("{{ range $name, $text := $labels }}{{ $name }}:{{ $text }},{{ end }}", "instance:a.b.c:9090,job:api,"),
        ("{{ $x := 1 }}{{ range $labels }}{{ $x = 2 }}{{ end }}{{ $x }}", "2"),
        ("{{ range $labels }}{{ . }}{{ break }}{{ end }}", "a.b.c:9090"),
        ('{{ define "t" }}<{{ . }}>{{ end }}{{ template "t" $labels.job }}', "<api>"),
        ("a {{- /* quiet */ -}} b {{- 1 }}", "ab1"),
        ("{{ stripPort $labels.instance }} {{ stripDomain $labels.instance }}", "a.b.c a:9090"),
        ('{{ reReplaceAll "(.*):(.*)" "$2/$1" $labels.instance }}', "9090/a.b.c"),
        ('{{ match "^a" $labels.instance }} {{ title "hello wOrld" }}', "true Hello WOrld"),
        ("{{ 0.256 | humanizePercentage }} {{ humanizeDuration 93784.5 }}", "25.6% 1d 2h 3m 4s"),
        (
            "{{ humanizeDuration 0.0012 }} {{ humanize 0.0012 }} {{ humanize 0 }} {{ humanize1024 2048 }}",
            "1.2ms 1.2m 0 2ki",
        ),
        ("{{ humanizeTimestamp 1.5 }}", "1970-01-01 00:00:01.5 +0000 UTC"),
        ("""{{ now }} {{ parseDuration "1h" }} {{ toDuration 90 }}""", "60 3600 1m30s"),
        ("{{ $externalLabels.region }} {{ externalURL }} {{ pathPrefix }}", "eu http://prom.example/x /x"),
        ('{{ len "ab" }} {{ index $labels "job" }} {{ eq 1 1 }} {{ ne "a" "b" }}', "2 api true true"),
        ('{{ print 1 2 "x" }} {{ args 1 "b" }}', "1 2x map[arg0:1 arg1:b]"),
        ('{{ printf "%d" $value }} {{ printf "%s %s" "a" }}', "%!d(float64=1234.5) a %!s(MISSING)"),
    ],
)
async def test_templates_yield_what_prometheus_makes_of_them(template: str, expected: str) -> None:
    assert await expand(template) == expected


@pytest.mark.parametrize(
    "template",
    [
        "{{ $labels.job.x }}",
        "{{ eq $value 1 }}",
        '{{ query "up" | first | first }}',
        "{{ (toTime 0).Year }}",
        "{{ 1 2 }}",
    ],
)
async def test_what_goes_wrong_stands_in_the_text(template: str) -> None:
    assert (await expand(template)).startswith("<error expanding template: error executing template __alert_Down: ")


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("{{ nope }}", '1: function "nope" not defined'),
        ("\n{{ if true }}x", "2: unexpected EOF"),
        ("{{ end }}", "1: unexpected {{end}}"),
        ("{{ $nobody }}", '1: undefined variable "$nobody"'),
        ("{{ $labels.job", "1: unclosed action"),
        ("{{ }}", "1: missing value for command"),
        ("{{ (1 }}", "1: unclosed left paren"),
    ],
)
def test_templates_are_checked_before_they_are_used(template: str, fault: str) -> None:
    assert check_template("Down", template) == f"template: __alert_Down:{fault}"


def test_a_template_without_fault_is_fine() -> None:
    assert check_template("Down", "{{ $labels.job }}") == ""
