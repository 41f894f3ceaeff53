"""What secrets look like, for the engine to mask: signs that are cheap to look for, and patterns for where one is.

All signs are looked for at once, by Vectorscan. It takes text for UTF-8, and what comes may be anything, so signs are
made of ASCII characters and classes alone.
"""

from collections.abc import Iterable

from gnomon.model.errors import InvalidInputError
from gnomon.storage.settings import RedactionSettings

# Well-known shapes of tokens: a sign that each contains for certain, and what it looks like as a whole.
_TOKENS = (
    (("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),  # AWS access keys
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{36,255}"),  # GitHub
    (("github_pat_",), r"github_pat_[A-Za-z0-9_]{22,255}"),
    (("glpat-", "glrt-", "gldt-"), r"gl(?:pat|rt|dt)-[A-Za-z0-9_-]{20,}"),  # GitLab
    (("xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xapp-"), r"(?:xox[abprs]|xapp)-[A-Za-z0-9-]{10,}"),  # Slack
    (("hooks.slack.com/services/",), r"hooks\.slack\.com/services/[A-Za-z0-9/_-]{20,}"),
    (("sk-ant-", "sk-or-"), r"sk-(?:ant|or)-[A-Za-z0-9_-]{20,}"),  # Anthropic, OpenRouter
    (("sk-proj-", "sk-svcacct-"), r"sk-(?:proj|svcacct)-[A-Za-z0-9_-]{20,}"),  # OpenAI
    # OpenAI's older keys; `sk-` alone is in "task-7" and "disk-0", too. "3" is the length that precedes a nested one.
    ((r"\bsk-[A-Za-z0-9]{32}", r"3sk-[A-Za-z0-9]{32}"), r"\bsk-[A-Za-z0-9]{32,64}\b|3sk-[A-Za-z0-9]{48}"),
    (("AIza", "ya29."), r"AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,}"),  # Google
    (("GOCSPX-",), r"GOCSPX-[A-Za-z0-9_-]{28}"),
    (("k_live_", "k_test_", "whsec_"), r"(?:[rs]k_(?:live|test)_|whsec_)[A-Za-z0-9]{16,}"),  # Stripe
    (("eyJ",), r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),  # JSON web tokens
    (("-----BEGIN ",), r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s\\.:,()-]*"),
    (("npm_",), r"npm_[A-Za-z0-9]{36}"),
    (("pypi-AgEI",), r"pypi-AgEI[A-Za-z0-9_-]{50,}"),
    (("SG.",), r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),  # SendGrid
    (("hf_",), r"\bhf_[A-Za-z0-9]{30,}"),  # Hugging Face
    (("gsk_", "pplx-"), r"\bgsk_[A-Za-z0-9]{40,}|\bpplx-[A-Za-z0-9]{40,}"),  # Groq, Perplexity
    (("xai-",), r"\bxai-[A-Za-z0-9]{60,}"),
    (("dop_v1_",), r"dop_v1_[a-f0-9]{64}"),  # DigitalOcean
    (("shpat_",), r"shpat_[a-f0-9]{32}"),  # Shopify
    (("hvs.",), r"\bhvs\.[A-Za-z0-9_-]{24,}"),  # Vault
    (("glsa_",), r"glsa_[A-Za-z0-9_]{32,}"),  # Grafana
    (("dckr_pat_",), r"dckr_pat_[A-Za-z0-9_-]{27}"),  # Docker
    ((":AA",), r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}"),  # Telegram
    (("AccountKey=",), r"AccountKey=[A-Za-z0-9+/=]{40,}"),  # Azure
    (("gnomon_",), r"gnomon_[0-9a-f]{12}_[A-Za-z0-9_-]{43}"),
)

# Secrets by what stands before them. The one group is the secret; RE2 has no look-behind.
_NAMED = (
    (
        (
            *("(?i)passw(?:or)?d", "(?i)secret", "(?i)(?:api|access|private)[_-]?key"),
            *(r"""(?i)[hsndr][_-]?token[\n "':=]""", "(?i)cookie"),
        ),
        (
            r"(?i:password|passwd|secret|secret[_-]?key|api[_-]?key|access[_-]?key|"
            r"(?:access|auth|refresh|bearer|id|session)[_-]?token)"
            r"""["']?\s?[=:]\s?["']?([^\s"'&,;<>{}()\[\]\x00-\x1f]{4,})"""
        ),
    ),
    (("(?i)bearer ",), r"(?i:bearer)\s+([A-Za-z0-9._~+/=-]{8,})"),
    (
        ("(?i)authorization",),
        r"""(?i:authorization)["']?\s?[=:]\s?["']?(?:Basic|Token|ApiKey)\s+([A-Za-z0-9._~+/=-]{6,})""",
    ),
    (("://[!-.0-9;-?A-~]*:[!-.0-?A-~]+@",), r"://[^\s/:@\x00-\x1f]*:([^\s/@\x00-\x1f]+)@"),
)

# Attributes whose name says that the value is a secret, whatever it looks like.
_KEY = (
    r"(?i)(?:^|[._-])(?:password|passwd|secret|secret[_-]?key|api[_-]?key|private[_-]?key|access[_-]?key|"
    r"(?:access|auth|refresh|bearer|session)[_-]?token|authorization|cookie|set-cookie|x-api-key)$"
)


def render_redaction(settings: RedactionSettings) -> dict[str, str]:
    """Return the placeholders of functions.sql, as SQL; raises InvalidInputError for a pattern that cannot be one."""
    for pattern in settings.patterns:
        if "(" in pattern.replace("(?", "").replace("\\(", ""):
            message = f"The redaction pattern {pattern!r} has a group. Write (?:…): all that matches is masked."
            raise InvalidInputError(message)
    if not settings.enabled:
        return {"has_secret": "0", "secrets": "emptyArrayString()", "secret_key": "0"}
    signs = [sign.replace(".", "[.]") if "[" not in sign else sign for found, _ in _TOKENS + _NAMED for sign in found]
    tokens = "|".join([pattern for _signs, pattern in _TOKENS] + list(settings.patterns))
    patterns = [tokens, *(pattern for _signs, pattern in _NAMED)]
    conditions = [f"multiMatchAny(t, {_array(signs)})"]
    conditions += [f"match(t, {_quote(pattern)})" for pattern in settings.patterns]
    return {
        "has_secret": " OR ".join(conditions),
        "secrets": "arrayDistinct(arrayConcat(" + ", ".join(f"extractAll(t, {_quote(p)})" for p in patterns) + "))",
        "secret_key": f"match(k, {_quote(_KEY)})",
    }


def _array(texts: Iterable[str]) -> str:
    return "[" + ", ".join(map(_quote, texts)) + "]"


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
