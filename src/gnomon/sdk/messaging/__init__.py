"""Messages between the parts of a system: one trace from producer to consumer, retries, and dead letter queues."""

from gnomon.sdk.messaging.broker import Broker, Subscription
from gnomon.sdk.messaging.consuming import Consumer, Handler
from gnomon.sdk.messaging.dead_lettering import dead_letter_topic
from gnomon.sdk.messaging.errors import (
    BrokerAddressError,
    BrokerUnavailableError,
    DeliveryLimitError,
    MessagingError,
    RejectedError,
)
from gnomon.sdk.messaging.messages import Delivery, Message
from gnomon.sdk.messaging.propagation import Arrival, extract, inject
from gnomon.sdk.messaging.publishing import Publisher
from gnomon.sdk.messaging.registry import connect
from gnomon.sdk.messaging.retries import RetryPolicy
from gnomon.sdk.messaging.spans import processing, sending

__all__ = [
    "Arrival",
    "Broker",
    "BrokerAddressError",
    "BrokerUnavailableError",
    "Consumer",
    "Delivery",
    "DeliveryLimitError",
    "Handler",
    "Message",
    "MessagingError",
    "Publisher",
    "RejectedError",
    "RetryPolicy",
    "Subscription",
    "connect",
    "dead_letter_topic",
    "extract",
    "inject",
    "processing",
    "sending",
]
