"""Templates of messages that come with Gnomon, under the names that Alertmanager's users know."""

_SHARED = """
{{ define "__alertmanager" }}Gnomon{{ end }}
{{ define "__alertmanagerURL" }}{{ .ExternalURL }}/alerts?receiver={{ .Receiver | urlquery }}{{ end }}
{{ define "__count" }}{{ if eq .Status "firing" }}:{{ len .Alerts.Firing }}{{ end }}{{ end }}
{{ define "__subject" -}}
[{{ .Status | toUpper }}{{ template "__count" . }}] {{ .GroupLabels.SortedPairs.Values | join " " }} \
{{ if gt (len .CommonLabels) (len .GroupLabels) -}}
({{ with .CommonLabels.Remove .GroupLabels.Names }}{{ .Values | join " " }}{{ end }})
{{- end }}
{{- end }}
{{ define "__text_alert_list" -}}
{{ range . }}Labels:
{{ range .Labels.SortedPairs }} - {{ .Name }} = {{ .Value }}
{{ end }}Annotations:
{{ range .Annotations.SortedPairs }} - {{ .Name }} = {{ .Value }}
{{ end }}Source: {{ .GeneratorURL }}
{{ end }}
{{- end }}
{{ define "__text_alert_list_markdown" -}}
{{ range . }}
{{ range .Labels.SortedPairs }}- **{{ .Name }}**: {{ .Value }}
{{ end }}{{ range .Annotations.SortedPairs }}- {{ .Name }}: {{ .Value }}
{{ end }}{{ with .GeneratorURL }}- [source]({{ . }})
{{ end }}{{ end }}
{{- end }}
{{ define "__both_lists" -}}
{{ if .Alerts.Firing }}Alerts Firing:
{{ template "__text_alert_list" .Alerts.Firing }}{{ end -}}
{{ if .Alerts.Resolved }}Alerts Resolved:
{{ template "__text_alert_list" .Alerts.Resolved }}{{ end -}}
{{- end }}
{{ define "__both_lists_markdown" -}}
{{ if .Alerts.Firing }}# Alerts Firing:
{{ template "__text_alert_list_markdown" .Alerts.Firing }}{{ end -}}
{{ if .Alerts.Resolved }}# Alerts Resolved:
{{ template "__text_alert_list_markdown" .Alerts.Resolved }}{{ end -}}
{{- end }}
{{ define "__described" }}{{ .CommonAnnotations.SortedPairs.Values | join " " }}
{{ template "__both_lists" . }}{{ end }}
"""

_CHANNELS = """
{{ define "slack.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "slack.default.username" }}{{ template "__alertmanager" . }}{{ end }}
{{ define "slack.default.titlelink" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "slack.default.fallback" }}{{ template "__subject" . }} | {{ template "__alertmanagerURL" . }}{{ end }}
{{ define "slack.default.text" }}{{ range .Alerts }}{{ with or .Annotations.description .Annotations.summary }}{{ . }}
{{ end }}{{ end }}{{ end }}
{{ define "slack.default.callbackid" }}{{ end }}{{ define "slack.default.pretext" }}{{ end }}
{{ define "slack.default.iconemoji" }}{{ end }}{{ define "slack.default.iconurl" }}{{ end }}
{{ define "slack.default.footer" }}{{ end }}

{{ define "pagerduty.default.description" }}{{ template "__subject" . }}{{ end }}
{{ define "pagerduty.default.client" }}{{ template "__alertmanager" . }}{{ end }}
{{ define "pagerduty.default.clientURL" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "pagerduty.default.instances" }}{{ template "__text_alert_list" . }}{{ end }}

{{ define "opsgenie.default.message" }}{{ template "__subject" . }}{{ end }}
{{ define "opsgenie.default.description" }}{{ template "__described" . }}{{ end }}
{{ define "opsgenie.default.source" }}{{ template "__alertmanagerURL" . }}{{ end }}

{{ define "telegram.default.message" }}{{ template "__both_lists" . }}{{ end }}

{{ define "discord.default.content" }}{{ end }}
{{ define "discord.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "discord.default.message" }}{{ template "__both_lists" . }}{{ end }}

{{ define "msteams.default.summary" }}{{ template "__subject" . }}{{ end }}
{{ define "msteams.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "msteams.default.text" }}{{ template "__both_lists_markdown" . }}{{ end }}
{{ define "msteamsv2.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "msteamsv2.default.text" }}{{ template "__both_lists_markdown" . }}{{ end }}

{{ define "apprise.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "apprise.default.body" }}{{ template "__described" . }}{{ end }}

{{ define "email.default.subject" }}{{ template "__subject" . }}{{ end }}
{{ define "email.default.text" }}{{ template "__described" . }}
{{ template "__alertmanagerURL" . }}
{{ end }}
"""

_EMAIL = """
{{ define "__email_alerts" -}}
{{ range . }}
<table style="border-collapse: collapse; margin: 0 0 16px; width: 100%;">
{{ range .Labels.SortedPairs }}<tr>\
<td style="padding: 2px 12px 2px 0; color: #666; white-space: nowrap; vertical-align: top;">{{ .Name }}</td>\
<td style="padding: 2px 0; font-weight: 600;">{{ .Value }}</td></tr>
{{ end }}{{ range .Annotations.SortedPairs }}<tr>\
<td style="padding: 2px 12px 2px 0; color: #666; white-space: nowrap; vertical-align: top;">{{ .Name }}</td>\
<td style="padding: 2px 0;">{{ .Value }}</td></tr>
{{ end }}</table>
{{ with .GeneratorURL }}<p style="margin: 0 0 24px;"><a href="{{ . }}">Source</a></p>{{ end }}
{{ end }}
{{- end }}
{{ define "email.default.html" -}}
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{{ template "__subject" . }}</title></head>
<body style="margin: 0; padding: 24px; font: 14px/1.5 sans-serif; color: #222; background: #f5f5f5;">
<div style="max-width: 640px; margin: 0 auto; padding: 24px; background: #fff; border-top: 4px solid \
{{ if eq .Status "firing" }}#c92a2a{{ else }}#2b8a3e{{ end }};">
<h1 style="margin: 0 0 16px; font-size: 18px;">{{ len .Alerts }} alert{{ if gt (len .Alerts) 1 }}s{{ end }}\
{{ range .GroupLabels.SortedPairs }} {{ .Name }}={{ .Value }}{{ end }}</h1>
<p><a href="{{ template "__alertmanagerURL" . }}">View in {{ template "__alertmanager" . }}</a></p>
{{ if .Alerts.Firing }}<h2 style="font-size: 15px;">[{{ len .Alerts.Firing }}] Firing</h2>
{{ template "__email_alerts" .Alerts.Firing }}{{ end }}
{{ if .Alerts.Resolved }}<h2 style="font-size: 15px;">[{{ len .Alerts.Resolved }}] Resolved</h2>
{{ template "__email_alerts" .Alerts.Resolved }}{{ end }}
</div>
</body>
</html>
{{- end }}
"""

# Alertmanager's other channels have these names, too: configurations that use them are read all the same.
_OTHERS = "\n".join(
    f'{{{{ define "{name}" }}}}{{{{ template "{shared}" . }}}}{{{{ end }}}}'
    for name, shared in (
        ("wechat.default.message", "__described"),
        ("victorops.default.state_message", "__described"),
        ("victorops.default.entity_display_name", "__subject"),
        ("victorops.default.monitoring_tool", "__alertmanager"),
        ("pushover.default.title", "__subject"),
        ("pushover.default.message", "__described"),
        ("pushover.default.url", "__alertmanagerURL"),
        ("sns.default.subject", "__subject"),
        ("sns.default.message", "__described"),
        ("webex.default.message", "__described"),
        ("jira.default.summary", "__subject"),
        ("jira.default.description", "__both_lists_markdown"),
        ("rocketchat.default.title", "__subject"),
        ("rocketchat.default.titlelink", "__alertmanagerURL"),
        ("mattermost.default.text", "__both_lists_markdown"),
    )
)

DEFAULT_MESSAGES = (_SHARED + _CHANNELS + _EMAIL + _OTHERS).replace("\\\n", "")
