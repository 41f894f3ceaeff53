"""What secrets look like in log lines, and masking them.

The shapes are those that the server masks at ingest, so that a file on disk shows no more than Gnomon does; a test
holds both lists together. A line is searched for signs first, which `str` does quickly; patterns are tried on the few
lines that have one.
"""

import re
from collections.abc import Mapping
from typing import Any

# Well-known shapes of tokens: signs of which each contains one for certain, and what it looks like as a whole.
TOKENS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),  # AWS access keys
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{36,255}"),  # GitHub
    (("github_pat_",), r"github_pat_[A-Za-z0-9_]{22,255}"),
    (("glpat-", "glrt-", "gldt-"), r"gl(?:pat|rt|dt)-[A-Za-z0-9_-]{20,}"),  # GitLab
    (("xox", "xapp-"), r"(?:xox[abprs]|xapp)-[A-Za-z0-9-]{10,}"),  # Slack
    (("hooks.slack.com/services/",), r"hooks\.slack\.com/services/[A-Za-z0-9/_-]{20,}"),
    (("sk-",), r"sk-(?:ant|or)-[A-Za-z0-9_-]{20,}"),  # Anthropic, OpenRouter
    (("sk-",), r"sk-(?:proj|svcacct)-[A-Za-z0-9_-]{20,}"),  # OpenAI
    (("sk-",), r"\bsk-[A-Za-z0-9]{32,64}\b|3sk-[A-Za-z0-9]{48}"),  # OpenAI's older keys
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

# Secrets by what stands before them, signs in lower case. The one group is the secret.
NAMED: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("passw", "secret", "apikey", "api-key", "api_key", "accesskey", "access-key", "access_key", "token"),
        (
            r"(?i:password|passwd|secret|secret[_-]?key|api[_-]?key|access[_-]?key|"
            r"(?:access|auth|refresh|bearer|id|session)[_-]?token)"
            r"""["']?\s?[=:]\s?["']?([^\s"'&,;<>{}()\[\]\x00-\x1f]{4,})"""
        ),
    ),
    (("bearer ",), r"(?i:bearer)\s+([A-Za-z0-9._~+/=-]{8,})"),
    (
        ("authorization",),
        r"""(?i:authorization)["']?\s?[=:]\s?["']?(?:Basic|Token|ApiKey)\s+([A-Za-z0-9._~+/=-]{6,})""",
    ),
    (("://",), r"://[^\s/:@\x00-\x1f]*:([^\s/@\x00-\x1f]+)@"),
)

# Fields whose name says that the value is a secret, whatever it looks like.
KEY = (
    r"(?i)(?:^|[._-])(?:password|passwd|secret|secret[_-]?key|api[_-]?key|private[_-]?key|access[_-]?key|"
    r"(?:access|auth|refresh|bearer|session)[_-]?token|authorization|cookie|set-cookie|x-api-key)$"
)
_KEY_SIGNS = ("private", "cookie")  # what no sign of NAMED is in
# Signs that half of all lines have for other reasons ("task-7", numbers of tokens, addresses): looked at more closely,
# in lower case, where quotes may be escaped.
_CLOSER = {
    "sk-": re.compile(r"sk-(?:ant|or|proj|svcacct)-|\bsk-[a-z0-9]{32}|3sk-[a-z0-9]{48}"),
    "://": re.compile(r"://[^\s/:@]*:[^\s/@]+@"),
    "token": re.compile(r"""[hsndr][_-]?token["'\\]{0,2}\s?[=:]"""),
}
_HARMLESS = frozenset({int, float, bool, type(None)})
_MASK = "********"
_SHORT = 200
_MANY = 4096
_DEEPEST = 8


class Redactor:
    """Mask secrets in the fields of log lines; extra `keys` match whole names, extra `patterns` have no groups."""

    def __init__(self, keys: tuple[str, ...] = (), patterns: tuple[str, ...] = ()) -> None:
        """Compile everything into one alternation; raises re.error for a pattern that is none."""
        tokens = "|".join(f"(?:{pattern})" for pattern in (*(shape for _signs, shape in TOKENS), *patterns))
        self._tokens = re.compile(tokens)
        self._named = tuple((signs, re.compile(pattern)) for signs, pattern in NAMED)
        self._key = re.compile("|".join((KEY, *(rf"(?i:^{re.escape(key)}$)" for key in keys))))
        self._patterns = tuple(re.compile(pattern) for pattern in patterns)
        signs = {sign for signs, _pattern in TOKENS for sign in signs}
        lower = {sign for signs, _pattern in NAMED for sign in signs} | set(_KEY_SIGNS) | {key.lower() for key in keys}
        self._signs = tuple(signs - _CLOSER.keys())
        self._lower_signs = tuple(lower - _CLOSER.keys())
        # Names and texts that were looked at before: most lines say little that is new.
        self._clean_keys: set[str] = set()
        self._clean_texts: set[str] = set()

    def suspects_line(self, message: str, fields: Mapping[str, Any]) -> bool | None:
        """Tell whether a line may hold a secret; False is certain. Texts seen before cost a look-up.

        None means that it has more than texts and numbers, so that the whole of it is to be looked at.
        """
        clean_keys, clean_texts = self._clean_keys, self._clean_texts
        names = [key for key in fields if key not in clean_keys]
        texts = [] if message in clean_texts else [message]
        for value in fields.values():
            kind = type(value)
            if kind is str:
                if value not in clean_texts:
                    texts.append(value)
            elif kind not in _HARMLESS:
                return None
        if not names and not texts:
            return False
        if self.suspects("\n".join((*(f'"{name}":' for name in names), *texts))):
            return True
        self._remember(clean_keys, names)
        self._remember(clean_texts, [text for text in texts if len(text) <= _SHORT])
        return False

    @staticmethod
    def _remember(clean: set[str], more: list[str]) -> None:
        if len(clean) > _MANY:
            clean.clear()
        clean.update(more)

    def suspects(self, text: str) -> bool:
        """Tell whether a text, or a line of JSON, may hold a secret; False is certain."""
        for sign in self._signs:
            if sign in text:
                return True
        lower = text.lower()
        for sign in self._lower_signs:
            if sign in lower:
                return True
        for sign, closer in _CLOSER.items():
            if sign in lower and closer.search(lower) is not None:
                return True
        return bool(self._patterns) and any(pattern.search(text) is not None for pattern in self._patterns)

    def mask_fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields with secrets masked, at any depth."""
        return {key: self._mask(key, value, 0) for key, value in fields.items()}

    def mask_text(self, text: str) -> str:
        """Return a text with secrets masked at their own length, as the server masks them."""
        if not self.suspects(text):
            return text
        masked = self._tokens.sub(_stars, text)
        lower = masked.lower()
        for signs, pattern in self._named:
            if any(sign in lower for sign in signs):
                masked = pattern.sub(_stars_for_group, masked)
        return masked

    def _mask(self, key: Any, value: Any, depth: int) -> Any:
        if isinstance(key, str) and value is not None and self._key.search(key) is not None:
            return _MASK
        if isinstance(value, str):
            return self.mask_text(value)
        if isinstance(value, bytes | bytearray):
            return self.mask_text(value.decode("utf-8", "backslashreplace"))
        if depth >= _DEEPEST:
            return value if isinstance(value, int | float | None) else self.mask_text(repr(value))
        if isinstance(value, Mapping):
            return {name: self._mask(name, inner, depth + 1) for name, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._mask(None, inner, depth + 1) for inner in value]
        return value if isinstance(value, bool | int | float | None) else self.mask_text(str(value))


def _stars(match: re.Match[str]) -> str:
    return "*" * len(match.group())


def _stars_for_group(match: re.Match[str]) -> str:
    text, start = match.group(), match.start()
    return text[: match.start(1) - start] + "*" * len(match.group(1)) + text[match.end(1) - start :]
