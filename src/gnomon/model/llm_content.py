"""Which attributes hold what people and models said: to be shown to whoever may read content alone."""

import re

_CONTENT = re.compile(
    r"gen_ai\.(?:input\.messages|output\.messages|system_instructions|prompt|completion|content\..*|"
    r"(?:prompt|completion)\.\d+\..*|tool\.call\.(?:arguments|result)|tool\.message|(?:system|user|assistant)\.message|"
    r"choice|event\.content)"
    r"|llm\.(?:input_messages|output_messages|prompts|completions|prompt_template)\..*|(?:input|output)\.value"
    r"|traceloop\.entity\.(?:input|output)|retrieval\.documents\..*|embedding\.embeddings\..*"
    r"|(?:pydantic_ai\.)?all_messages(?:_events)?|tool_arguments|tool_response|final_result|events"
    r"|dlq\.message\.(?:body|key|headers)"
)
_EVENTS = re.compile(r"gen_ai\.(?:(?:system|user|assistant|tool)\.message|choice|content\..*|client\.inference\..*)")
HIDDEN = "(content is shown to keys with the scope `content`)"


def is_content(key: str) -> bool:
    """Return whether an attribute of that name holds what was said."""
    return _CONTENT.fullmatch(key) is not None


def is_message_event(name: str) -> bool:
    """Return whether an event of that name tells what was said in its attributes, whatever their names."""
    return _EVENTS.fullmatch(name) is not None
